/** What Node.js has from version 22 on, for the examples that expect it: `node --import ./websocket.mjs …`. */

import { WebSocket } from "ws";

globalThis.WebSocket ??= WebSocket;

/**
 * The page: the login, and the board of whoever is logged in.
 */

import { Board, element } from "./board";
import { connect } from "./connection";
import { Refused, Session } from "./session";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const login = find<HTMLFormElement>("login");
const board = find("board");
const add = find<HTMLFormElement>("new");
const leave = find<HTMLButtonElement>("leave");
const here = find("here");

/** Tell what went wrong, or that nothing did. */
const notice = (text = "") => (find("notice").textContent = text);
const told = (error: unknown) => notice(error instanceof Error ? error.message : String(error));

function showLogin(text = ""): void {
  notice(text);
  board.hidden = leave.hidden = true;
  login.hidden = false;
  here.replaceChildren();
  find("connection").textContent = "";
  login.querySelector("input")?.focus();
}

async function showBoard(session: Session): Promise<void> {
  const end = (text = "") => {
    connection.close();
    showLogin(text);
  };
  const connection = connect(session, () => end("Your session has ended. Log in again."));
  const { trpc } = connection;
  const me = await trpc.me.query();
  const shown = new Board(find("columns"), me, {
    move: (task, state) => void trpc.tasks.move.mutate({ task: task.id, state }).catch(told),
    remove: (task) => void trpc.tasks.remove.mutate({ task: task.id }).catch(told),
  });

  trpc.tasks.changes.subscribe(undefined, {
    onData: ({ data }) => {
      if (data.kind === "board") shown.reset(data.tasks);
      else if (data.kind === "changed") shown.put(data.task);
      else shown.remove(data.id);
    },
    onConnectionStateChange: ({ state }) => {
      find("connection").textContent = state === "pending" ? `Live, as ${me.name}` : "Connecting …";
    },
    onError: told,
  });
  trpc.here.subscribe(undefined, {
    onData: (names) => here.replaceChildren(...names.map((name) => element("li", { textContent: name }))),
    onError: told,
  });

  add.onsubmit = (event) => {
    event.preventDefault();
    const title = String(new FormData(add).get("title")).trim();
    trpc.tasks.add.mutate({ title }).then(() => (add.reset(), notice()), told);
  };
  leave.onclick = async () => {
    leave.disabled = true;
    await session.end().catch(told);
    leave.disabled = false;
    end();
  };
  notice();
  login.hidden = true;
  board.hidden = leave.hidden = false;
  add.querySelector("input")?.focus();
}

login.onsubmit = async (event) => {
  event.preventDefault();
  const given = new FormData(login);
  try {
    await showBoard(await Session.begin(String(given.get("email")), String(given.get("password"))));
    login.reset();
  } catch (error) {
    notice(error instanceof Refused ? `You are not logged in: ${error.message}` : String(error));
  }
};

const session = await Session.resume().catch(told);
if (session instanceof Session) await showBoard(session);
else showLogin(find("notice").textContent ?? "");

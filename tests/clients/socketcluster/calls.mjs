/** Calls and words in both directions: errors, timeouts, batches. */

import {
  client, connected, event, finish, first, listed, outcome, report, within,
} from "./harness.mjs";

const socket = await connected();

report("values", {
  null: await outcome(socket.invoke("mirror", null)),
  nothing: (await socket.invoke("nothing")) === undefined,
  deep: await outcome(socket.invoke("mirror", { a: [1, { b: null }], c: "späße 🎈" })),
});
const own = await within(socket.invoke("state"), "an answer");
report("id", own.id === socket.id);

report("errors", {
  problem: await outcome(socket.invoke("fail", "problem")),
  thrown: await outcome(socket.invoke("fail", "thrown")),
  text: await outcome(socket.invoke("fail", "text")),
  exception: await outcome(socket.invoke("fail", "exception")),
  payload: await outcome(socket.invoke("add", { left: "one" })),
  sum: await outcome(socket.invoke("add", { left: 1, right: 2 })),
});

// -- timeouts ----------------------------------------------------------------------------------------------------------

const patient = await connected("/socketcluster/", { ackTimeout: 300 });
const strict = await connected("/answering/");
report("unknown procedures", {
  silence: await outcome(patient.invoke("unheard of")),
  answer: await outcome(strict.invoke("unheard of")),
  slow: await outcome(patient.invoke("wait", { seconds: 0.6 })),
  goesOn: await outcome(patient.invoke("wait", { seconds: 0 })),
});

const order = [];
await Promise.all([0.3, 0, 0.1].map((seconds) => socket.invoke("wait", { seconds }).then((done) => order.push(done))));
report("calls run beside each other", order);

// -- the other direction -----------------------------------------------------------------------------------------------

(async () => {
  for await (const request of socket.procedure("double")) request.end(request.data * 2);
})();
(async () => {
  for await (const request of socket.procedure("refuse")) {
    request.error(Object.assign(new Error("Not now"), { name: "RefusalError", later: true }));
  }
})();
report("calls of the server's", {
  double: await outcome(socket.invoke("askBack", { procedure: "double", data: 21 })),
  refuse: await outcome(socket.invoke("askBack", { procedure: "refuse" })),
  silence: await outcome(socket.invoke("askBack", { procedure: "unheard", patience: 0.2 })),
});

const said = listed(socket.receiver("said"));
for (const word of ["one", { two: 2 }, null]) await socket.transmit("say", word);
report("words", await first(said, 3, "the echo"));

// -- batches -----------------------------------------------------------------------------------------------------------

/** The messages that a client gets, as they are. */
const messages = (each) => {
  const record = listed(each.listener("message"));
  return () => record.frames.map(({ message }) => JSON.parse(message || '""'));
};

const batched = await connected("/batching/", { batchOnHandshake: true, batchInterval: 20 });
const heard = messages(batched);
const numbers = listed(batched.receiver("said"));
await batched.invoke("burst", { count: 5, batching: false });
await first(numbers, 5, "five numbers");
report("batch on handshake", {
  numbers: numbers.frames,
  sizes: heard().filter(Array.isArray).map(({ length }) => length),
});

const plain = await connected();
const plainly = messages(plain);
const counted = listed(plain.receiver("said"));
await plain.invoke("burst", { count: 5, batching: true });
await first(counted, 5, "five numbers");
const gathered = plainly().filter(Array.isArray).length;
await plain.invoke("burst", { count: 3, batching: false });
await first(counted, 8, "three more");
report("batching of the server's", {
  numbers: counted.frames,
  gathered,
  afterwards: plainly().filter(Array.isArray).length - gathered,
});

plain.startBatching();
const answers = [1, 2, 3].map((number) => plain.invoke("mirror", number));
plain.transmit("say", "in a batch");
plain.flushBatch();
plain.stopBatching();
await first(counted, 9, "the echo");
report("batching of the client's", { answers: await Promise.all(answers), said: counted.frames.at(-1) });

const early = client("/socketcluster/", { autoConnect: false });
const waiting = early.invoke("mirror", "before there is a connection");
await event(early, "connect");
report("before there is a connection", await outcome(waiting));

// -- bytes and other codecs --------------------------------------------------------------------------------------------

const codecEngine = {
  encode: (value) => Buffer.from(JSON.stringify(value)).toString("base64"),
  decode: (message) => (message ? JSON.parse(Buffer.from(message, "base64")) : message),
};
const coded = await connected("/coded/", { codecEngine });
const words = listed(coded.receiver("said"));
await coded.transmit("say", { a: [null] });
await coded.invoke("burst", { count: 3, batching: true });
report("codec", {
  answer: await outcome(coded.invoke("mirror", { a: "späße" })),
  words: await first(words, 4, "words"),
});
report("bytes", await outcome(socket.invoke("bytes")));

finish();

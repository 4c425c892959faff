/** The published superjson: reads what Python has written, and writes what Python is to read. */

import SuperJSON from "superjson";
import { finish, report, told as word } from "../harness.mjs";

const deduping = new SuperJSON({ dedupe: true });

function number(value) {
  if (Object.is(value, -0)) return ["number", "-0"];
  return Number.isFinite(value) ? value : ["number", String(value)];
}

/** A value as JSON with every type named. */
function told(value) {
  if (value === undefined) return ["undefined"];
  if (typeof value === "bigint") return ["bigint", String(value)];
  if (typeof value === "number") return number(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Date) return ["Date", value.getTime()];
  if (value instanceof Map) return ["Map", [...value].map(([key, each]) => [told(key), told(each)])];
  if (value instanceof Set) return ["Set", [...value].map(told)];
  if (value instanceof RegExp) return ["RegExp", value.source, value.flags];
  if (value instanceof URL) return ["URL", value.href];
  if (value instanceof Error) return ["Error", value.name, value.message];
  if (value instanceof Uint8Array) return ["Uint8Array", [...value]];
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return ["Array", [...value].map(told)];
  return ["Object", Object.fromEntries(Object.entries(value).map(([key, each]) => [key, told(each)]))];
}

const user = { name: "Ann", since: new Date(0), tags: new Set(["a"]) };
const cycle = { inner: {} };
cycle.inner.outer = cycle;
const within = { list: [null] };
within.list[0] = within.list;

const made = {
  "an absent value": undefined,
  "a moment": new Date(1e12),
  "moments at the ends of the calendar": [new Date("0001-01-01T00:00:00Z"), new Date("9999-12-31T23:59:59.999Z")],
  "a date that is none": { at: new Date(NaN) },
  "big integers": [2n ** 64n, -(2n ** 53n), 2n ** 100n],
  "numbers beyond JSON": [NaN, Infinity, -Infinity, -0],
  "large and small numbers": [1e21, 2 ** 53 - 1, 5e-324, 1.7976931348623157e308],
  "a set of sets": new Set([new Set([1]), new Set()]),
  "a set of objects": new Set([{ at: new Date(0) }, { at: undefined }]),
  "a set of 1 and true": new Set([1, true]),
  "a map": new Map([[new Date(0), new Map([[1, undefined]])], ["text", new Set([2n ** 60n])]]),
  "expressions": [/a\/b[/]/gi, new RegExp(""), new RegExp("\n/", "u"), /\p{L}/u],
  "errors": [new TypeError("no"), new Error("why", { cause: new Date(0) }), new RangeError()],
  "a URL": new URL("https://example.org/a?b=c#d"),
  "bytes": new Uint8Array([0, 255]),
  "other arrays": [new Int16Array([-1]), new Float64Array([NaN, -0, 1.5, -Infinity]), new BigInt64Array([-(2n ** 60n)])],
  "members with dots and backslashes": { "a.b": { "\\": new Date(0), "": [undefined] }, "\\.": { c: 2n ** 60n } },
  "numbers as keys": { 0: new Date(0), "01": undefined, "-1": NaN },
  "absent members": { a: undefined, b: [undefined, null] },
  "shared values": { a: user, b: [user, user], c: new Map([[1, user]]), d: user.since, e: new Set([user.tags]) },
  "shared values in shared values": { a: { x: user, y: user }, b: user, c: [[user]] },
};
const refused = {
  "a cycle": cycle,
  "a cycle that is not of the whole": within,
  "a map with objects for keys": new Map([[{}, 1]]),
  "a moment after year 9999": new Date(8.64e15),
};

const read = (text) => {
  const value = SuperJSON.parse(text);
  return [told(value), SuperJSON.stringify(value), told(SuperJSON.deserialize(JSON.parse(text)))];
};
const matches = ([text, subjects]) => subjects.map((subject) => SuperJSON.parse(text).test(subject));
const each = (values, write) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, write(value)]));

report("read", (await word()).map(read));
report("matches", (await word()).map(matches));
const written = each(made, (value) => [told(value), SuperJSON.stringify(value), deduping.stringify(value)]);
written["a date that is none"][0] = ["Object", { at: null }];
report("written", written);
report("refused", each(refused, SuperJSON.stringify));
report("back", (await word()).map((text) => told(SuperJSON.parse(text))));
finish();

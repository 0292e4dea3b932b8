import assert from "node:assert/strict";
import { thrownText } from "../../src/base/thrown.ts";

const looped: Record<string, unknown> = {};
looped.self = looped;

const CASES: [what: string, thrown: unknown, text: string | RegExp][] = [
  ["an error", new Error("no luck"), "no luck"],
  [
    "several at once",
    new AggregateError([new Error("first"), "second"]),
    "first; second",
  ],
  [
    "several at once, with a word on them",
    new AggregateError([new Error("first"), new Error("first")], "all failed"),
    "all failed: first",
  ],
  [
    "several within several",
    new AggregateError([new AggregateError([new RangeError("deep")])]),
    "deep",
  ],
  ["an empty error", new RangeError(), "RangeError"],
  [
    "an empty error with a cause",
    new Error("", { cause: new Error("beneath") }),
    "beneath",
  ],
  [
    "an error whose message is an object",
    Object.assign(new Error(), { message: { code: 7 } }),
    '{"code":7}',
  ],
  [
    "an error whose message can't be shown",
    Object.assign(new AggregateError([new Error("one")]), {
      message: { id: 1n },
    }),
    "one",
  ],
  [
    "an error of many",
    new AggregateError(Array.from({ length: 12 }, (_, n) => new Error(`${n}`))),
    "0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more",
  ],
  [
    "an error in colours",
    new Error("\x1b[0m\x1b[36mhint:\x1b[0m add it"),
    "hint: add it",
  ],
  ["an empty list", [], "an empty text was thrown"],
  ["an object with a message", { message: "so it says" }, "so it says"],
  ["an object without", { code: 7, why: "quota" }, '{"code":7,"why":"quota"}'],
  [
    "a response",
    new Response("", { status: 503, statusText: "Service Unavailable" }),
    "an HTTP response was thrown: 503 Service Unavailable",
  ],
  ["a map", new Map([["a", 1]]), "[object Map]"],
  ["an object of nothing", {}, "{}"],
  ["an empty text", "", "an empty text was thrown"],
  ["a symbol", Symbol("mark"), "Symbol(mark)"],
  ["a bigint", 12n, "12"],
  ["a cycle", looped, /can't be shown/],
];

for (const [what, thrown, text] of CASES) {
  Deno.test(`thrown: ${what} has a text`, () => {
    if (typeof text === "string") assert.equal(thrownText(thrown), text);
    else assert.match(thrownText(thrown), text);
  });
}

Deno.test("thrown: an error beneath itself has a text all the same", () => {
  const error = new AggregateError([]);
  error.errors.push(error);
  assert.equal(typeof thrownText(error), "string");
});

import assert from "node:assert/strict";
import { findNotJson } from "../../src/base/plain_value.ts";

Deno.test("what JSON gives back as it was is fine", () => {
  const shared = { a: [1] };
  for (
    const value of [
      null,
      "",
      "\ud800",
      0,
      -1.5,
      true,
      [],
      {},
      [[null, "a", { b: false }]],
      { "": 1, "a b": [], __proto__: null },
      { left: shared, right: shared },
      { optional: undefined },
      Object.assign(Object.create(null), { a: 1 }),
    ]
  ) {
    assert.equal(findNotJson(value), undefined);
  }
});

Deno.test("what it can't say is named, and where it is", () => {
  class Point {}
  const circle: { list: unknown[] } = { list: [] };
  circle.list.push(circle);
  const cases: [unknown, string][] = [
    [undefined, "value is undefined"],
    [NaN, "value is NaN"],
    [{ a: -Infinity }, "value.a is -Infinity"],
    [{ id: 7n }, "value.id is 7n"],
    [() => 1, "value is a function"],
    [{ s: Symbol("x") }, "value.s is Symbol(x)"],
    [[1, undefined], "value[1] is undefined"],
    // deno-lint-ignore no-sparse-arrays
    [[1, , 2], "value[1] is undefined"],
    [new Map([["a", 1]]), "value is an instance of Map"],
    [{ "a b": new Set() }, 'value["a b"] is an instance of Set'],
    [
      { rows: [{ at: new Date(0) }] },
      "value.rows[0].at is an instance of Date",
    ],
    [[new Error("gone")], "value[0] is an instance of Error"],
    [new Response("x"), "value is an instance of Response"],
    [{ bytes: new Uint8Array(2) }, "value.bytes is an instance of Uint8Array"],
    [{ at: new Point() }, "value.at is an instance of Point"],
    [new (class {})(), "value is an instance of a class"],
    [{ url: new URL("http://a") }, "value.url is an instance of URL"],
    [circle, "value.list[0] is a cycle"],
  ];
  for (const [value, found] of cases) assert.equal(findNotJson(value), found);
});

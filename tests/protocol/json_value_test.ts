import assert from "node:assert/strict";
import {
  jsonFault,
  jsonForm,
  jsonText,
  JsonValueError,
} from "../../src/protocol/json_value.ts";
import { nearestJson } from "../../src/protocol/nearest_json.ts";

class Point {
  x = 1;
  y = 2;
}

class Money {
  readonly #cents = 5;
  get cents() {
    return this.#cents;
  }
}

class Registry extends Map<string, number> {
  label = "main";
}

const cycle: Record<string, unknown> = { rows: [{ id: 1 }] };
(cycle.rows as unknown[]).push({ parent: cycle });

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { in: [value] };
  return value;
}

Deno.test("what JSON can't say is named, with its path and what to do", () => {
  const faults: [value: unknown, says: RegExp][] = [
    [new Map(), /^a Map can't be sent as JSON: use Object\.fromEntries/],
    [{ a: [1, { b: new Set() }] }, /^a Set .* \(a\[1\]\.b\): use an array/],
    [new Registry(), /^a Registry/],
    [{ "odd key": new Error("x") }, /^an Error .* \(\["odd key"\]\): throw it/],
    [Object.assign(new TypeError("x"), { code: 1 }), /^a TypeError/],
    [[new Response("x")], /^a Response .* \(\[0\]\): use its text\(\)/],
    [new Request("http://h/"), /^a Request/],
    [{ h: new Headers() }, /^a Headers .* \(h\): use Object\.fromEntries/],
    [new URLSearchParams("a=1"), /^a URLSearchParams/],
    [{ bytes: new Uint8Array(2) }, /^a Uint8Array .* \(bytes\): .*base64/],
    [new Float64Array(0), /^a Float64Array/],
    [new ArrayBuffer(2), /^an ArrayBuffer/],
    [new Blob(["x"]), /^a Blob/],
    [/x/, /^a RegExp/],
    [{ p: Promise.resolve(1) }, /^a Promise .* \(p\): await it/],
    [[1].values(), /: use an array/],
    [{ m: new Money() }, /^a Money .* \(m\): use a plain object/],
    [{ a: { n: 5n } }, /^a BigInt .* \(a\.n\): use String/],
    [{ n: NaN }, /^NaN .* \(n\)/],
    [[0, -Infinity], /^-Infinity .* \(\[1\]\)/],
    [{ f() {} }, /^a function .* \(f\)/],
    [[Symbol("s")], /^a symbol .* \(\[0\]\)/],
    [{ at: new Date(NaN) }, /^an invalid Date .* \(at\)/],
    [{ x: { toJSON: () => ({ y: new Set() }) } }, /^a Set .* \(x\.y\)/],
    [{ toJSON: () => undefined }, /can't be sent as JSON/],
    [cycle, /^a circular reference .* \(rows\[1\]\.parent\)/],
    [nested(2_000), /nested deeper than 1000 levels/],
    [Object.assign(new Point(), { y: new Map() }), /^a Map .* \(y\)/],
  ];
  for (const [value, says] of faults) {
    assert.match(jsonFault(value) ?? "none", says);
    assert.throws(() => jsonForm(value), JsonValueError);
    assert.throws(() => jsonText(value), { code: "SLUICE_JSON_VALUE" });
    // Whatever must be told can be told.
    assert.equal(typeof JSON.stringify(nearestJson(value)), "string");
  }
});

Deno.test("what JSON has a form for is that form", () => {
  const plain = { a: [1, "x", null, true], b: { c: -0.5 } };
  assert.equal(jsonForm(plain), plain);
  const bare = Object.assign(Object.create(null), { a: 1 });
  assert.equal(jsonForm(bare), bare);
  const forms: [value: unknown, form: unknown][] = [
    [{ at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    [new URL("a:b"), "a:b"],
    [{ a: undefined, b: 1 }, { b: 1 }],
    [[1, , undefined, 2], [1, null, null, 2]], // deno-lint-ignore no-sparse-arrays
    [{ p: new Point() }, { p: { x: 1, y: 2 } }],
    [[new String("x"), new Number(1)], ["x", 1]],
    [{ toJSON: () => ({ said: true }) }, { said: true }],
    [nested(400), nested(400)],
  ];
  for (const [value, form] of forms) {
    assert.equal(jsonFault(value), undefined);
    assert.deepEqual(jsonForm(value), form);
    assert.deepEqual(JSON.parse(jsonText(value)), form);
  }
});

Deno.test("text goes out well-formed, escapes and pairs untouched", () => {
  const texts: [text: string, sent: string][] = [
    ["hi \ud83d", "hi \uFFFD"],
    ["\ude00 hi", "\uFFFD hi"],
    ["\ud83d\ud83d\ude00", "\uFFFD😀"],
    ["😀 漢字", "😀 漢字"],
    ["\\ud83d", "\\ud83d"],
    ["\\\ud83d", "\\\uFFFD"],
    ["\\\\ud83d \n\u0007", "\\\\ud83d \n\u0007"],
  ];
  for (const [text, sent] of texts) {
    const json = jsonText({ [text]: [text] });
    assert.deepEqual(JSON.parse(json), { [sent]: [sent] });
    assert.doesNotMatch(json.replaceAll("\\\\", ""), /\\ud[89a-f]/);
  }
});

Deno.test("the nearest form of what must be told", () => {
  assert.deepEqual(
    nearestJson({
      error: new RangeError("gone"),
      map: new Map([["a", new Set([1n])]]),
      bytes: new Uint8Array(3),
      n: NaN,
      money: new Money(),
      at: new Date(0),
    }),
    {
      error: "RangeError: gone",
      map: { a: ["1"] },
      bytes: "[3 bytes]",
      n: "NaN",
      money: "[Money]",
      at: "1970-01-01T00:00:00.000Z",
    },
  );
  assert.deepEqual(nearestJson(cycle), {
    rows: [{ id: 1 }, { parent: "[circular]" }],
  });
  assert.equal(nearestJson(undefined), null);
});

Deno.test("what must be told has an end, however its parts know each other", () => {
  const knot = Array.from(
    { length: 30 },
    () => ({} as Record<string, unknown>),
  );
  for (const each of knot) {
    knot.forEach((other, index) => each[`m${index}`] = other);
  }
  const lines: unknown[] = ["x".repeat(100_000), NaN];
  lines.push(...Array.from({ length: 5_000 }, () => lines[0]));
  const cases: unknown[] = [
    knot[0],
    { in: new Map(knot.map((each) => [each, new Set(knot)])) },
    lines,
  ];
  for (const value of cases) {
    const begun = performance.now();
    const text = JSON.stringify(nearestJson(value));
    assert.ok(performance.now() - begun < 1_000);
    assert.ok(text.length < 12_000_000, `${text.length} characters`);
    assert.match(text, /"\[more\]"/);
  }
  const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, n: NaN }));
  assert.deepEqual(nearestJson(rows), rows.map(({ id }) => ({ id, n: "NaN" })));
});

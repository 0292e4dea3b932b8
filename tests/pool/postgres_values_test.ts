import assert from "node:assert/strict";
import fc from "fast-check";
import { PostgresParameterError } from "../../src/pool/postgres/postgres_errors.ts";
import {
  decodeInt8,
  decodeJson,
  decodeTimestamp,
} from "../../src/pool/postgres/postgres_types.ts";
import { encodeParameter } from "../../src/pool/postgres/postgres_values.ts";

const date = new Date("2026-02-03T04:05:06.789Z");
const cases: [unknown, string | null][] = [
  ["text", "text"],
  ["", ""],
  [1.5, "1.5"],
  [NaN, "NaN"],
  [2n ** 64n, "18446744073709551616"],
  [false, "false"],
  [null, null],
  [undefined, null],
  [date, "2026-02-03T04:05:06.789Z"],
  [{ a: [1, null], b: "c" }, '{"a":[1,null],"b":"c"}'],
  [[], "{}"],
  [[1, 2n, null, undefined], "{1,2,NULL,NULL}"],
  [["a", 'b"', "c\\", "NULL", ""], '{"a","b\\"","c\\\\","NULL",""}'],
  [[[1], [2]], "{{1},{2}}"],
  [[date, true], '{"2026-02-03T04:05:06.789Z","true"}'],
  [[new Uint8Array([0, 255])], '{"\\\\x00ff"}'],
  [[{ a: 1 }], '{"{\\"a\\":1}"}'],
];
for (const [value, encoded] of cases) {
  Deno.test(`${Deno.inspect(value)} goes out as ${encoded}`, () => {
    assert.equal(encodeParameter(value), encoded);
  });
}

Deno.test("bytes go out as they are", () => {
  const bytes = new Uint8Array([1, 2]);
  assert.equal(encodeParameter(bytes), bytes);
});

Deno.test("what has no form is refused, in an array too", () => {
  const unserialisable = { toJSON: () => 1n };
  for (const value of [() => 1, Symbol("s"), new Date(NaN), unserialisable]) {
    assert.throws(() => encodeParameter(value), PostgresParameterError);
    assert.throws(() => encodeParameter([value]), PostgresParameterError);
  }
});

/** A class as anybody writes one. */
class Basket {
  readonly #items = ["tea"];
  get size() {
    return this.#items.length;
  }
}

const looped: Record<string, unknown> = { list: [{}] };
(looped.list as unknown[])[0] = { back: looped };
const ring: unknown[] = [1];
ring.push(ring);

const refused: [value: unknown, message: string][] = [
  [new Map([["a", 1]]), "$1 is a Map"],
  [new Set([1]), "$1 is a Set"],
  [new WeakMap(), "$1 is a WeakMap"],
  [new TypeError("gone"), "$1 is a TypeError"],
  [new Response("x"), "$1 is a Response"],
  [new Headers({ a: "b" }), "$1 is a Headers"],
  [/a/, "$1 is a RegExp"],
  [Promise.resolve(), "$1 is a Promise"],
  [new Basket(), "$1 is a Basket"],
  [new Float64Array(1), "$1 is a Float64Array"],
  [new ArrayBuffer(1), "$1 is an ArrayBuffer"],
  [() => 1, "$1 is a function"],
  [Symbol("s"), "$1 is a symbol"],
  [new Date(NaN), "$1 is an invalid Date"],
  [{ tags: [1, { seen: new Set() }] }, "$1.tags[1].seen is a Set"],
  [{ at: new Date(NaN) }, "$1.at is an invalid Date"],
  [{ n: 1n }, "$1.n is a bigint"],
  [{ n: [0, NaN] }, "$1.n[1] is NaN"],
  [{ n: -Infinity }, "$1.n is -Infinity"],
  [{ call() {} }, "$1.call is a function"],
  [[1, new Map()], "$1[1] is a Map"],
  [[[1], [new Basket()]], "$1[1][0] is a Basket"],
  [looped, "$1.list[0].back is part of itself"],
  [ring, "$1[1] is part of itself"],
  [{ toJSON: () => new Set() }, "$1 is a Set"],
];
for (const [value, message] of refused) {
  Deno.test(`a parameter is refused where ${message}`, () => {
    assert.throws(
      () => encodeParameter(value),
      (error: PostgresParameterError) => {
        assert.equal(error.code, "SLUICE_POSTGRES_PARAMETER");
        assert.ok(error.message.startsWith(`${message}, which`), error.message);
        return true;
      },
    );
  });
}

Deno.test("a refusal names the parameter", () => {
  assert.throws(() => encodeParameter(new Set(), 2), /^\w+: \$3 is a Set/);
});

Deno.test("what has a JSON of its own goes out as that", () => {
  const same = { b: 1 };
  const taken: [unknown, string | null][] = [
    [new URL("https://a.example/x"), "https://a.example/x"],
    [{ toJSON: () => "1.50" }, "1.50"],
    [{ toJSON: () => [1, 2] }, "[1,2]"],
    [{ at: date, u: undefined }, '{"at":"2026-02-03T04:05:06.789Z"}'],
    [
      Object.assign(Object.create(null), { a: same, b: same }),
      '{"a":{"b":1},"b":{"b":1}}',
    ],
    [[new URL("https://a.example")], '{"https://a.example/"}'],
    [Array(2), "{NULL,NULL}"],
    [{ toJSON: () => undefined }, null],
    [[{ toJSON: () => undefined }], "{NULL}"],
  ];
  for (const [value, encoded] of taken) {
    assert.equal(encodeParameter(value), encoded);
  }
});

Deno.test("an int8 is a number where that is exact", () => {
  assert.equal(decodeInt8("-42"), -42);
  assert.equal(decodeInt8("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeInt8("9007199254740993"), "9007199254740993");
});

const numbers: [text: string, read: unknown][] = [
  ["1e400", "1e400"],
  ["-1E+400", "-1E+400"],
  ["1e-400", "1e-400"],
  ["0e-400", 0],
  ["-0", -0],
  ["9007199254740993", "9007199254740993"],
  ["-9007199254740993", "-9007199254740993"],
  ["9007199254740992", 9007199254740992],
  ["-1" + "0".repeat(300), -1e300],
  ["12" + "0".repeat(300), 12e300],
  ["1" + "0".repeat(309), "1" + "0".repeat(309)],
  ["0." + "0".repeat(400) + "1", "0." + "0".repeat(400) + "1"],
  ["0.12345678901234567", 0.12345678901234567],
  ["12345678901234567890.125", "12345678901234567890.125"],
  ["-9007199254740993.5", "-9007199254740993.5"],
  ["9007199254740993.0", "9007199254740993.0"],
  ["9007199254740994.00", 9007199254740994],
  ["9007199254740990.5", 9007199254740990.5],
];
Deno.test("a number in JSON is kept, or else its digits are, wherever it stands", () => {
  for (const [text, read] of numbers) {
    assert.deepEqual(decodeJson(text), read, text);
    assert.deepEqual(
      decodeJson(`{"a": [${text}, "1e400 is text", {"__proto__": ${text}}]}`),
      JSON.parse(
        `{"a": [0, "1e400 is text", {"__proto__": 0}]}`,
        (_key, value) => value === 0 ? read : value,
      ),
      text,
    );
  }
});

Deno.test("a double that was stored as JSON is read as it was", () => {
  fc.assert(fc.property(fc.double({ noNaN: true }), (value) => {
    fc.pre(Number.isFinite(value));
    assert.equal(decodeJson(JSON.stringify(value)), value + 0 || 0);
  }));
});

Deno.test("a timestamp is taken for UTC, and kept if it is no date", () => {
  assert.deepEqual(decodeTimestamp("2026-02-03 04:05:06.789"), date);
  assert.equal(decodeTimestamp("infinity"), "infinity");
});

const timestamps: [text: string, iso: string | undefined][] = [
  ["2026-02-03 04:05:06", "2026-02-03T04:05:06.000Z"],
  ["2026-02-03 04:05:06.7", "2026-02-03T04:05:06.700Z"],
  ["2026-02-03 04:05:06.789999+00", "2026-02-03T04:05:06.789Z"],
  ["2026-02-03 04:05:06-08", "2026-02-03T12:05:06.000Z"],
  ["2026-02-03 04:05:06.5+05:45", "2026-02-02T22:20:06.500Z"],
  ["1880-01-01 00:19:32+00:19:32", "1880-01-01T00:00:00.000Z"],
  ["0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00.000Z"],
  ["0001-01-01 00:00:00.05+00 BC", "0000-01-01T00:00:00.050Z"],
  ["0099-12-31 23:00:00-01", "0100-01-01T00:00:00.000Z"],
  ["12026-02-03 04:05:06.25-00:30", "+012026-02-03T04:35:06.250Z"],
  ["294276-12-31 23:59:59.999999", undefined],
  ["Tue Feb 03 04:05:06 2026", undefined],
  ["-infinity", undefined],
];
for (const [text, iso] of timestamps) {
  Deno.test(`the timestamp ${text} is read as ${iso ?? "it is"}`, () => {
    const read = decodeTimestamp(text);
    assert.equal(read instanceof Date ? read.toISOString() : read, iso ?? text);
  });
}

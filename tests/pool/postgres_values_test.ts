import assert from "node:assert/strict";
import { PostgresParameterError } from "../../src/pool/postgres/postgres_errors.ts";
import {
  decodeInt8,
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

Deno.test("an int8 is a number where that is exact", () => {
  assert.equal(decodeInt8("-42"), -42);
  assert.equal(decodeInt8("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeInt8("9007199254740993"), "9007199254740993");
});

Deno.test("a timestamp is taken for UTC, and kept if it is no date", () => {
  assert.deepEqual(decodeTimestamp("2026-02-03 04:05:06.789"), date);
  assert.equal(decodeTimestamp("infinity"), "infinity");
});

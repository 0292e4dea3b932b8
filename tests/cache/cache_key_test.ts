import assert from "node:assert/strict";
import fc from "fast-check";
import { CacheKeyError } from "../../src/base/errors.ts";
import { cacheKey } from "../../src/cache/cache_key.ts";

Deno.test("different values make different keys", () => {
  const values = [
    ...[undefined, null, true, false, 0, 1, -1, NaN, Infinity, 1.5, 1n, -1n],
    ...[
      "",
      "1",
      "true",
      "null",
      "undefined",
      "s1:1",
      "(",
      "(u",
      "(n1,",
      "(s2:(u",
      "[]",
      "{}",
    ],
    ...[[], [[]], [1], ["1"], [1, 2], [2, 1], [[1], 2], [[1, 2]], [undefined]],
    ...[{}, { a: 1 }, { a: "1" }, { a: 1, b: 2 }, { b: 1 }, { a: undefined }],
    ...[
      new Map(),
      new Map([["a", 1]]),
      new Map([[1, "a"]]),
      new Set(),
      new Set([1]),
    ],
    ...[new Set([[]]), new Date(0), new Date(1), new Date(NaN)],
    ...[
      new URL("http://a/"),
      "http://a/",
      new Uint8Array(),
      new Uint8Array([1]),
    ],
    ...[new Int8Array([1]), new Uint8Array([1]).buffer, new Uint16Array([1])],
    ...[{ a: { b: 1 } }, { a: { b: [1] } }, { ab: 1 }, { a: "b1" }],
  ];
  const keys = new Map<string, unknown>();
  for (const value of values) {
    const key = cacheKey(value);
    assert(!keys.has(key), `${key} stands for two values`);
    keys.set(key, value);
  }
});

Deno.test("lists of values can't be confused", () => {
  const lists = [[], [undefined], ["a", "b"], ["ab"], ["a"], [["a", "b"]], [
    1,
    2,
  ], [12]];
  assert.equal(
    new Set(lists.map((list) => cacheKey(...list))).size,
    lists.length,
  );
});

Deno.test("order makes no difference where there is none", () => {
  assert.equal(
    cacheKey({ a: 1, b: { c: 2, d: 3 } }),
    cacheKey({ b: { d: 3, c: 2 }, a: 1 }),
  );
  assert.equal(
    cacheKey(new Set([1, "1", [2]])),
    cacheKey(new Set([[2], "1", 1])),
  );
  assert.equal(
    cacheKey(new Map<unknown, unknown>([["a", 1], [{ b: 1 }, 2]])),
    cacheKey(new Map<unknown, unknown>([[{ b: 1 }, 2], ["a", 1]])),
  );
  assert.equal(cacheKey(0), cacheKey(-0));
  assert.equal(cacheKey(Object.create(null)), cacheKey({}));
});

Deno.test("what can't be told apart by value is refused by name", () => {
  class User {}
  const cycle: Record<string, unknown> = {};
  cycle.self = [cycle];
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  const refused: [unknown, RegExp][] = [
    [() => {}, /a function can't be part/],
    [Symbol("s"), /a symbol can't be part/],
    [{ [Symbol("s")]: 1 }, /a symbol can't be part/],
    [new User(), /an instance of User/],
    [new Error("e"), /an instance of Error/],
    [new WeakMap(), /an instance of WeakMap/],
    [{ a: [new Map([["b", new User()]])] }, /an instance of User/],
    [cycle, /a cycle/],
    [deep, /nested more than 100 deep/],
  ];
  for (const [value, message] of refused) {
    assert.throws(
      () => cacheKey(value),
      (error: Error) =>
        error instanceof CacheKeyError && message.test(error.message),
    );
  }
});

Deno.test("a flat object's key is typed, whatever the order of its names", () => {
  const own = (name: string, value: unknown) =>
    Object.fromEntries([[name, value]]);
  const objects = [
    ...[{ a: 1 }, { a: "1" }, { a: true }, { a: "true" }, { a: null }],
    ...[{ a: NaN }, { a: Infinity }, { a: -Infinity }, { a: "NaN" }],
    ...[{ a: 1n }, { a: undefined }, {}, { a: "\ud800" }, { a: "\\ud800" }],
    ...[{ 'a":1,"b': 1 }, { a: 1, b: 1 }, own("__proto__", 1)],
    ...[own("__proto__", null), { 2: 1, 10: 1 }, { toJSON: 1 }],
  ];
  const keys = objects.map((object) => cacheKey(object));
  assert.equal(new Set(keys).size, objects.length);
  for (const key of keys) {
    assert.notEqual(cacheKey(key), key, "a text is another");
  }

  const names = ["10", "2", "b", "!", "a", "Z", "é", "", "__proto__", "c", "d"];
  for (const count of [4, 8, names.length]) {
    const entries = names.slice(0, count).map((name, i) => [name, i] as const);
    assert.equal(
      cacheKey(Object.fromEntries(entries)),
      cacheKey(Object.fromEntries(entries.toReversed())),
    );
  }
});

Deno.test("the same object twice is no cycle", () => {
  const shared = { a: 1 };
  assert.equal(cacheKey([shared, shared]), cacheKey([{ a: 1 }, { a: 1 }]));
});

Deno.test("keys are equal exactly when the values are", () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: false,
    maxDepth: 3,
  });
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(cacheKey(a) === cacheKey(b), sameValue(a, b));
      assert.equal(cacheKey(a), cacheKey(structuredClone(a)));
    }),
    { numRuns: 2_000 },
  );
});

function sameValue(a: unknown, b: unknown): boolean {
  try {
    // deepStrictEqual tells 0 from -0 and prototypes apart; the key doesn't.
    assert.deepStrictEqual(normal(a), normal(b));
    return true;
  } catch {
    return false;
  }
}

function normal(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return Array.from(value, normal);
  if (value instanceof Map) {
    return new Map(
      [...value].map(([key, item]) => [normal(key), normal(item)]),
    );
  }
  if (value instanceof Set) return new Set([...value].map(normal));
  if (value instanceof Date || typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, normal(item)]),
  );
}

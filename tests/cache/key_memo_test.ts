import assert from "node:assert/strict";
import fc from "fast-check";
import { CacheKeyError } from "../../src/base/errors.ts";
import { cacheKey } from "../../src/cache/cache_key.ts";
import { KeyMemo } from "../../src/cache/cached/key_memo.ts";

/** Asks twice: the second answer is the remembered one, if any is. */
function assertKey(memo: KeyMemo, ...values: unknown[]): void {
  for (let turn = 0; turn < 2; turn++) {
    assert.equal(memo.keyOf(values), "p:" + cacheKey(...values));
  }
}

Deno.test("property: a remembered key is the one that would be made anew", () => {
  const primitive = fc.oneof(
    fc.constantFrom("", "1", 1, true, false, null, undefined, 0, -0, NaN),
    fc.nat({ max: 3 }),
    fc.double(),
    fc.bigInt(),
    fc.string({ maxLength: 70 }),
  );
  const name = fc.oneof(
    fc.constantFrom("a", "b", "1", "__proto__", "toJSON", "constructor"),
    fc.string({ maxLength: 3 }),
  );
  const flat = fc.dictionary(name, fc.oneof(primitive, fc.array(primitive)));
  const memo = new KeyMemo("p:");
  fc.assert(
    fc.property(fc.array(flat, { minLength: 1, maxLength: 3 }), (values) => {
      for (const value of values) assertKey(memo, value);
      assertKey(memo, ...values);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("more keys than are remembered, and many of one hash, are all told apart", () => {
  const memo = new KeyMemo("p:");
  for (let id = 0; id < 10_000; id++) assertKey(memo, { id, name: `u${id}` });
  for (let id = 0; id < 10_000; id += 7) {
    assertKey(memo, { id, name: `u${id}` });
  }
  const big = 2 ** 40;
  for (let i = 0; i < 100; i++) assertKey(memo, { id: big + i / 1e7 });
  for (let i = 0; i < 100; i++) assertKey(memo, { id: NaN, i });
  const names = Array.from({ length: 100 }, (_, i) => `name${i}`);
  for (const name of names) assertKey(memo, { [name]: 1 });
});

Deno.test("names in another order have the same key", () => {
  const memo = new KeyMemo("");
  const key = memo.keyOf([{ a: 1, b: "x" }]);
  for (let turn = 0; turn < 2; turn++) {
    assert.equal(memo.keyOf([{ b: "x", a: 1 }]), key);
  }
  assert.notEqual(memo.keyOf([{ a: 1, b: "x", c: undefined }]), key);
});

Deno.test("an object that changed has another key", () => {
  const memo = new KeyMemo("p:");
  const options: Record<string, unknown> = { id: 1, deep: null };
  assertKey(memo, options);
  options.id = 2;
  assertKey(memo, options);
  options.deep = { list: [1] };
  assertKey(memo, options);
  (options.deep as { list: number[] }).list.push(2);
  assertKey(memo, options);
  delete options.deep;
  assertKey(memo, options);
});

Deno.test("what looks like a known object but can't be told apart is still refused", () => {
  class Query {
    id = 1;
  }
  const memo = new KeyMemo("p:");
  assertKey(memo, { id: 1 });
  const hidden = Object.defineProperty({ id: 1 }, Symbol("s"), { value: 2 });
  for (const refused of [new Query(), { id: 1, [Symbol("s")]: 2 }, hidden]) {
    assert.throws(() => memo.keyOf([refused]), CacheKeyError);
  }
});

Deno.test("a getter that answers differently each time spoils nobody else's key", () => {
  const memo = new KeyMemo("p:");
  const answers = [1, 2, "a", [1], true, null];
  let reads = 0;
  const moody = {
    get id(): unknown {
      return answers[reads++ % answers.length];
    },
  };
  for (let turn = 0; turn < 50; turn++) {
    memo.keyOf([moody]);
    for (const id of answers) assertKey(memo, { id });
  }
});

Deno.test("a property that all objects inherit is no part of the key", () => {
  const memo = new KeyMemo("p:");
  assertKey(memo, { id: 1 });
  const everything = Object.prototype as { polluted?: number };
  everything.polluted = 1;
  try {
    assertKey(memo, { id: 1 });
    assertKey(memo, { id: 1, polluted: 1 });
    everything.polluted = 2;
    assertKey(memo, { id: 1, polluted: 1 });
  } finally {
    delete everything.polluted;
  }
  assertKey(memo, { id: 1 });
});

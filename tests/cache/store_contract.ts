import assert from "node:assert/strict";
import type { ClaimingCacheStore } from "../../src/cache/cache_store.ts";
import {
  CacheKeyError,
  ClosedError,
  InvalidOptionError,
} from "../../src/base/errors.ts";

/** A store under test, with a way to let time pass for it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ClaimingCacheStore & { close(): void | Promise<void> };
  advance(ms: number): Promise<void>;
}

/** How the contract is run against one kind of store. */
export interface ContractOptions {
  readonly name: string;
  readonly ignore?: boolean;
  /** Makes an empty store. */
  make(): Promise<StoreUnderTest>;
}

/** What every store must do. */
export function testStoreContract(
  { name, ignore, make }: ContractOptions,
): void {
  const test = (
    title: string,
    run: (
      store: StoreUnderTest["store"],
      advance: StoreUnderTest["advance"],
    ) => Promise<void>,
  ): void => {
    Deno.test({
      name: `${name}: ${title}`,
      ignore,
      fn: async () => {
        await using made = await make();
        await run(made.store, (ms) => made.advance(ms));
      },
    });
  };

  test("gives back what was set, and undefined for what wasn't", async (store) => {
    assert.equal(await store.get("a"), undefined);
    const values = [0, "", false, null, "text", [1, { two: 2 }], { "~": "x" }];
    for (const [i, value] of values.entries()) {
      await store.set(`key ${i}`, value);
      assert.deepEqual(await store.get(`key ${i}`), value);
    }
  });

  test("tells a cached undefined from a miss by lookup", async (store) => {
    await store.set("a", undefined);
    assert.deepEqual(pick(await store.lookup("a")), {
      value: undefined,
      stale: false,
    });
    assert.equal(await store.lookup("b"), undefined);
  });

  test("takes any string for a key", async (store) => {
    const keys = [
      "",
      " ",
      "a:b",
      "a#b",
      "{a}",
      "\n\0",
      "ключ",
      "x".repeat(5_000),
      // Half characters, which UTF-8 has no form for, and what may stand for them.
      "a\ud800",
      "a\udc00",
      "a\ufffd",
      '\ufffd"a\\ud800"',
    ];
    for (const key of keys) await store.set(key, `value of ${key}`);
    for (const key of keys) {
      assert.equal(await store.get(key), `value of ${key}`);
    }
  });

  test("refuses a key that isn't a string", async (store) => {
    for (const key of [1, undefined, null, {}, Symbol("s")]) {
      const wrong = key as unknown as string;
      await assert.rejects(async () => await store.get(wrong), CacheKeyError);
      await assert.rejects(
        async () => await store.set(wrong, 1),
        CacheKeyError,
      );
    }
  });

  test("refuses lifetimes that make no sense", async (store) => {
    for (const ttlMs of [0, -1, NaN, 0.5]) {
      await assert.rejects(
        async () => await store.set("a", 1, { ttlMs }),
        InvalidOptionError,
      );
    }
    await assert.rejects(
      async () => await store.set("a", 1, { ttlMs: Infinity, staleMs: 1 }),
      /staleMs \(1\) has no meaning while ttlMs is Infinity/,
    );
    assert.equal(await store.get("a"), undefined);
  });

  test("forgets a deleted entry and says whether it was there", async (store) => {
    await store.set("a", 1);
    assert.equal(await store.delete("a"), true);
    assert.equal(await store.delete("a"), false);
    assert.equal(await store.get("a"), undefined);
  });

  test("forgets an entry when its time is over", async (store, advance) => {
    await store.set("short", 1, { ttlMs: 500 });
    await store.set("long", 2, { ttlMs: 60_000 });
    await store.set("for ever", 3, { ttlMs: Infinity });
    assert.equal(await store.get("short"), 1);
    await advance(520);
    assert.equal(await store.get("short"), undefined);
    assert.equal(await store.get("long"), 2);
    assert.equal(await store.get("for ever"), 3);
  });

  test(
    "asks one caller to refresh a stale entry and serves the rest",
    async (store, advance) => {
      await store.set("a", "old", { ttlMs: 400, staleMs: 60_000 });
      assert.equal(await store.get("a"), "old");
      await advance(420);
      assert.deepEqual(pick(await store.lookup("a")), {
        value: "old",
        stale: true,
      });
      const answers = [];
      for (let i = 0; i < 5; i++) answers.push(await store.get("a"));
      assert.deepEqual(answers, [undefined, "old", "old", "old", "old"]);
      await store.set("a", "new");
      assert.equal(await store.get("a"), "new");
      assert.equal((await store.lookup("a"))?.stale, false);
    },
  );

  test(
    "forgets a stale entry when its second time is over",
    async (store, advance) => {
      await store.set("a", 1, { ttlMs: 100, staleMs: 100 });
      await advance(220);
      assert.equal(await store.lookup("a"), undefined);
    },
  );

  test("invalidates by tag exactly what was last set with it", async (store) => {
    await store.set("a", 1, { tags: ["red", "blue"] });
    await store.set("b", 2, { tags: ["red"] });
    await store.set("c", 3, { tags: ["blue", 'a/b "\\ ключ'] });
    await store.set("d", 4);
    await store.set("b", 5, { tags: ["blue"] });
    await store.invalidateTag("red");
    assert.equal(await store.get("a"), undefined);
    assert.equal(await store.get("b"), 5);
    assert.equal(await store.get("c"), 3);
    await store.invalidateTag('a/b "\\ ключ');
    assert.equal(await store.get("c"), undefined);
    assert.equal(await store.get("d"), 4);
    await store.invalidateTag("unheard of");
    await store.set("a", 6, { tags: ["red"] });
    assert.equal(await store.get("a"), 6);
  });

  test("tells tags apart that differ in half a character", async (store) => {
    await store.set("a", 1, { tags: ["t\ud800"] });
    await store.set("b", 2, { tags: ["t\ud801"] });
    await store.invalidateTag("t\ud801");
    assert.deepEqual([await store.get("a"), await store.get("b")], [
      1,
      undefined,
    ]);
  });

  test(
    "a claim keeps what was loaded, with its tags and lifetime",
    async (store, advance) => {
      const outcome = await store.claim("a", { ttlMs: 300, tags: ["t"] });
      assert(outcome.kind === "claimed");
      assert.equal(await outcome.claim.commit("loaded"), true);
      assert.equal(await store.get("a"), "loaded");
      await store.invalidateTag("t");
      assert.equal(await store.get("a"), undefined);
      const again = await store.claim("a", { ttlMs: 300 });
      assert(again.kind === "claimed");
      await again.claim.commit("again");
      await advance(320);
      assert.equal(await store.get("a"), undefined);
    },
  );

  test("a claim for what is there gives it", async (store) => {
    await store.set("a", 1);
    const outcome = await store.claim("a");
    assert(outcome.kind === "hit");
    assert.equal(outcome.hit.value, 1);
    const stolen = await store.claim("a", { steal: true });
    assert(stolen.kind === "claimed");
    assert.equal(await stolen.claim.commit(2), true);
    assert.equal(await store.get("a"), 2);
  });

  test("a released claim can be made again", async (store) => {
    for (let i = 0; i < 2; i++) {
      const outcome = await store.claim("a");
      assert(outcome.kind === "claimed");
      await outcome.claim.release();
    }
    assert.equal(await store.get("a"), undefined);
  });

  const changes: Record<string, (store: ClaimingCacheStore) => unknown> = {
    "set": (store) => store.set("a", "newer"),
    "deleted": (store) => store.delete("a"),
    "invalidated": (store) => store.invalidateTag("t"),
    "claimed by force": async (store) => {
      const outcome = await store.claim("a", { tags: ["t"], steal: true });
      assert(outcome.kind === "claimed");
      await outcome.claim.release();
    },
  };
  for (const [title, change] of Object.entries(changes)) {
    test(`a value isn't kept that was ${title} while it was loaded`, async (store) => {
      const outcome = await store.claim("a", { tags: ["t"] });
      assert(outcome.kind === "claimed");
      await change(store);
      assert.equal(await outcome.claim.commit("older"), false);
      const expected = title === "set" ? "newer" : undefined;
      assert.equal(await store.get("a"), expected);
    });
  }

  test("refuses work after it is closed", async (store) => {
    await store.set("a", 1);
    await store.close();
    const calls = [
      () => store.get("a"),
      () => store.lookup("a"),
      () => store.set("a", 2),
      () => store.delete("a"),
      () => store.invalidateTag("t"),
      () => store.claim("a"),
    ];
    for (const call of calls) {
      await assert.rejects(async () => await call(), ClosedError);
    }
    await store.close();
  });
}

/** Without what a store may add. */
function pick(hit: { value: unknown; stale: boolean } | undefined) {
  return hit && { value: hit.value, stale: hit.stale };
}

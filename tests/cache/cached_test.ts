import assert from "node:assert/strict";
import { ClosedError, InvalidOptionError } from "../../src/base/errors.ts";
import { cached } from "../../src/cache/cached/cached.ts";
import type { CacheHit, CacheStore } from "../../src/cache/cache_store.ts";
import { MemoryCache } from "../../src/cache/memory/memory_cache.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A function whose calls a test answers by hand. */
function manual<A extends unknown[], R>() {
  const calls: {
    args: A;
    resolve(value: R): void;
    reject(error: unknown): void;
  }[] = [];
  const fn = (...args: A): Promise<R> => {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    calls.push({ args, resolve, reject });
    return promise;
  };
  return { fn, calls };
}

/** Lets everything that is ready to run do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a thousand callers of one missing key make one load", async () => {
  let loads = 0;
  await using square = cached(async (n: number) => {
    loads++;
    await settle();
    return n * n;
  });
  const calls = Array.from({ length: 1_000 }, () => square(7));
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([49]));
  assert.equal(loads, 1);
  assert.equal(await square(7), 49);
  assert.equal(loads, 1);
  const { hits, misses, coalesced } = square.stats;
  assert.deepEqual({ hits, misses, coalesced }, {
    hits: 1,
    misses: 1,
    coalesced: 999,
  });
});

Deno.test("values expire, and different arguments are different values", async () => {
  const clock = new FakeClock();
  let loads = 0;
  await using load = cached((key: unknown) => `${typeof key} ${++loads}`, {
    ttlMs: 1_000,
    clock,
  });
  assert.equal(await load(1), "number 1");
  assert.equal(await load("1"), "string 2");
  assert.equal(await load(1), "number 1");
  await clock.advance(1_000);
  assert.equal(await load(1), "number 3");
});

Deno.test("null and undefined are values like any other", async () => {
  let loads = 0;
  await using load = cached((value: null | undefined) => {
    loads++;
    return value;
  });
  for (let i = 0; i < 2; i++) {
    assert.equal(await load(null), null);
    assert.equal(await load(undefined), undefined);
  }
  assert.equal(loads, 2);
});

Deno.test("a stale value is served while one refresh runs behind it", async () => {
  const clock = new FakeClock();
  const { fn, calls } = manual<[string], string>();
  await using load = cached(fn, { ttlMs: 100, staleMs: 1_000, clock });
  const first = load("a");
  await settle();
  calls[0].resolve("old");
  assert.equal(await first, "old");
  await clock.advance(100);
  assert.deepEqual(
    await Promise.all([load("a"), load("a"), load("a")]),
    ["old", "old", "old"],
  );
  await settle();
  assert.equal(calls.length, 2);
  calls[1].resolve("new");
  await settle();
  assert.equal(await load("a"), "new");
  assert.equal(load.stats.staleHits, 3);
});

Deno.test("a refresh behind a stale value may fail, and is tried again", async () => {
  const clock = new FakeClock();
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn, { ttlMs: 100, staleMs: 1_000, clock });
  load();
  await settle();
  calls[0].resolve("old");
  await settle();
  await clock.advance(100);
  assert.equal(await load(), "old");
  await settle();
  calls[1].reject(new Error("down"));
  await settle();
  assert.equal(await load(), "old");
  await settle();
  assert.equal(calls.length, 3);
  calls[2].resolve("new");
  await settle();
  assert.equal(await load(), "new");
});

Deno.test("tags that can't be told fail a load, and no look-up", async () => {
  const clock = new FakeClock();
  let broken = false;
  let loads = 0;
  const tags = (): string[] => {
    if (broken) throw new Error("no tags");
    return ["t"];
  };
  await using cache = new MemoryCache({ clock });
  const options = { ttlMs: 100, staleMs: 100, tags, clock, cache };
  const remote = {
    claim: cache.claim.bind(cache),
    set: cache.set.bind(cache),
    delete: cache.delete.bind(cache),
    get: cache.get.bind(cache),
    invalidateTag: cache.invalidateTag.bind(cache),
    lookup: (key: string) => Promise.resolve(cache.lookup(key)),
  };
  await using load = cached(() => ++loads, { ...options, name: "near" });
  await using far = cached(() => ++loads, {
    ...options,
    cache: remote,
    name: "far",
  });
  assert.deepEqual([await load(), await far()], [1, 2]);
  broken = true;
  assert.deepEqual([await load(), await far()], [1, 2]);
  await clock.advance(100);
  assert.deepEqual([await load(), await far()], [1, 2], "stale");
  await settle();
  await load.invalidateTag("t");
  for (const call of [load, load.refresh, far, far.refresh]) {
    await assert.rejects(call(), /no tags/);
  }
  assert.equal(loads, 2);
  broken = false;
  assert.equal(await load(), 3);
});

Deno.test("tags that can't be told beside a store that fails are one rejection", async () => {
  const down = () => Promise.reject(new Error("down"));
  const cache: CacheStore = {
    get: down,
    set: down,
    delete: down,
    invalidateTag: down,
  };
  await using load = cached(() => 1, {
    cache,
    name: "f",
    tags: () => assert.fail("no tags"),
  });
  await assert.rejects(load(), /down/);
  await settle();
});

Deno.test("errors reach every caller and aren't kept", async () => {
  let loads = 0;
  await using load = cached(async () => {
    await settle();
    throw new Error(`failure ${++loads}`);
  });
  const outcomes = await Promise.allSettled([load(), load(), load()]);
  for (const outcome of outcomes) {
    assert(outcome.status === "rejected");
    assert.match(outcome.reason.message, /failure 1/);
  }
  await assert.rejects(load(), /failure 2/);
});

Deno.test("a function that throws at once is the same", async () => {
  await using load = cached((): string => {
    throw new Error("at once");
  });
  await assert.rejects(load(), /at once/);
});

Deno.test("errors are kept for negativeTtlMs, until invalidated", async () => {
  const clock = new FakeClock();
  let loads = 0;
  await using load = cached((_: string): string => {
    throw new Error(`failure ${++loads}`);
  }, { negativeTtlMs: 500, tags: (key) => [key], clock });
  await assert.rejects(load("a"), /failure 1/);
  await assert.rejects(load("a"), /failure 1/);
  assert.equal(load.stats.negativeHits, 1);
  await load.invalidate("a");
  await assert.rejects(load("a"), /failure 2/);
  await load.invalidateTag("a");
  await assert.rejects(load("a"), /failure 3/);
  await clock.advance(500);
  await assert.rejects(load("a"), /failure 4/);
});

Deno.test("a remembered error is forgotten when the function succeeds", async () => {
  const clock = new FakeClock();
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn, { ttlMs: 100, negativeTtlMs: 60_000, clock });
  const failing = load();
  await settle();
  calls[0].reject(new Error("down"));
  await assert.rejects(failing, /down/);
  const refreshing = load.refresh();
  await settle();
  calls[1].resolve("first");
  assert.equal(await refreshing, "first");
  assert.equal(await load(), "first");
  await clock.advance(100);
  const after = load();
  await settle();
  calls[2].resolve("second");
  assert.equal(await after, "second");
});

Deno.test("a value out of date leaves a younger error remembered", async () => {
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn, { negativeTtlMs: 60_000 });
  const before = load();
  await settle();
  await load.invalidate();
  const after = load();
  await settle();
  calls[1].reject(new Error("down"));
  await assert.rejects(after, /down/);
  calls[0].resolve("old");
  assert.equal(await before, "old");
  await assert.rejects(load(), /down/);
  assert.equal(calls.length, 2);
});

Deno.test("a caller that aborts leaves alone", async () => {
  const { fn, calls } = manual<
    [number, { signal?: AbortSignal }?],
    string
  >();
  await using load = cached(fn);
  const impatient = new AbortController();
  const leaving = load(1, { signal: impatient.signal });
  const staying = load(1, { signal: new AbortController().signal });
  const plain = load(1);
  await settle();
  assert.equal(calls.length, 1);
  impatient.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/);
  const [, options] = calls[0].args;
  assert.equal(options?.signal?.aborted, false);
  calls[0].resolve("value");
  assert.equal(await staying, "value");
  assert.equal(await plain, "value");
  assert.equal(await load(1), "value");
});

Deno.test("when every caller has left, the load is aborted and not kept", async () => {
  const { fn, calls } = manual<[number, AbortSignal], string>();
  await using load = cached(fn);
  const controllers = [new AbortController(), new AbortController()];
  const callers = controllers.map(({ signal }) => load(1, signal));
  await settle();
  const [, signal] = calls[0].args;
  controllers[0].abort(new Error("first"));
  assert.equal(signal.aborted, false);
  controllers[1].abort(new Error("second"));
  assert.equal(signal.aborted, true);
  assert.match(signal.reason.message, /second/);
  await assert.rejects(callers[0], /first/);
  await assert.rejects(callers[1], /second/);
  const next = load(1, new AbortController().signal);
  await settle();
  assert.equal(calls.length, 2, "a new caller starts a new load");
  calls[0].resolve("of the aborted load");
  await settle();
  calls[1].resolve("new");
  assert.equal(await next, "new");
  assert.equal(await load.peek(1, signal), "new");
});

Deno.test("an abort after the answer is no abort of the load", async () => {
  const { fn, calls } = manual<[number, AbortSignal], string>();
  await using load = cached(fn);
  const controller = new AbortController();
  const answered = load(1, controller.signal).then(() => controller.abort());
  await settle();
  calls[0].resolve("value");
  await answered;
  assert.equal(calls[0].args[1].aborted, false);
  const failed = new AbortController();
  const caught = load(2, failed.signal).catch(() => failed.abort());
  await settle();
  calls[1].reject(new Error("down"));
  await caught;
  assert.equal(calls[1].args[1].aborted, false);
});

Deno.test("a caller that has aborted already is refused, also on a hit", async () => {
  let loads = 0;
  await using load = cached((_: AbortSignal) => ++loads);
  await load(new AbortController().signal);
  await assert.rejects(load(AbortSignal.abort(new Error("before"))), /before/);
  assert.equal(loads, 1);
});

Deno.test("signals are no part of the key", async () => {
  await using load = cached((_: number, _options?: object) => 0, { name: "f" });
  const { signal } = new AbortController();
  assert.equal(load.keyOf(1, { signal }), load.keyOf(1));
  assert.equal(
    load.keyOf(1, { signal, limit: 2 }),
    load.keyOf(1, { limit: 2 }),
  );
  assert.notEqual(load.keyOf(1, { limit: 2 }), load.keyOf(1));
});

Deno.test("refresh loads anew while others are served the old value", async () => {
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn);
  load();
  await settle();
  calls[0].resolve("old");
  await settle();
  const refreshing = [load.refresh(), load.refresh()];
  assert.equal(await load(), "old");
  await settle();
  assert.equal(calls.length, 2);
  calls[1].resolve("new");
  assert.deepEqual(await Promise.all(refreshing), ["new", "new"]);
  assert.equal(await load(), "new");
});

Deno.test("a missing value is taken from a refresh under way", async () => {
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn);
  const refreshed = load.refresh();
  const called = load();
  await settle();
  assert.equal(calls.length, 1);
  calls[0].resolve("value");
  assert.equal(await refreshed, "value");
  assert.equal(await called, "value");
});

Deno.test("a value invalidated while it loads reaches its callers but isn't kept", async () => {
  const { fn, calls } = manual<[], string>();
  await using load = cached(fn, { tags: ["t"] });
  for (const invalidate of [load.invalidate, () => load.invalidateTag("t")]) {
    calls.length = 0;
    await load.invalidate();
    const before = load();
    await settle();
    await invalidate();
    const after = load();
    await settle();
    assert.equal(calls.length, 2, "who comes after gets a load of its own");
    calls[0].resolve("old");
    calls[1].resolve("new");
    assert.equal(await before, "old");
    assert.equal(await after, "new");
    assert.equal(await load(), "new");
  }
});

Deno.test("a value invalidated in the store itself while it loads is loaded again", async () => {
  const { fn, calls } = manual<[], string>();
  await using cache = new MemoryCache();
  await using load = cached(fn, { cache, name: "f" });
  const value = load();
  await settle();
  cache.delete(load.keyOf());
  calls[0].resolve("old");
  await settle();
  assert.equal(calls.length, 2);
  calls[1].resolve("new");
  assert.equal(await value, "new");
});

Deno.test("a key function decides what makes a call different", async () => {
  let loads = 0;
  await using load = cached(
    (_user: { id: number }, _context: () => void) => ++loads,
    { key: ({ id }) => id },
  );
  const contexts = [() => {}, () => {}];
  assert.equal(await load({ id: 1 }, contexts[0]), 1);
  assert.equal(await load({ id: 1 }, contexts[1]), 1);
  assert.equal(await load({ id: 2 }, contexts[1]), 2);
});

Deno.test("arguments that can't be a key are refused by a rejection", async () => {
  await using load = cached((_: unknown) => 1);
  await assert.rejects(load(() => {}), { code: "SLUICE_CACHE_KEY" });
});

Deno.test("functions share a cache under names of their own", async () => {
  await using cache = new MemoryCache();
  await using one = cached((n: number) => n + 1, { cache, name: "one" });
  await using two = cached((n: number) => n + 2, { cache, name: "two" });
  assert.deepEqual([await one(1), await two(1)], [2, 3]);
  await one.close();
  assert.equal(cache.stats.entries, 2, "a shared cache stays open");
  assert.throws(
    () => cached((n: number) => n, { cache }),
    (error: Error) =>
      error instanceof InvalidOptionError &&
      /name must be given/.test(error.message),
  );
});

Deno.test("functions of one name don't share a cache unseen", async () => {
  await using cache = new MemoryCache();
  const make = () => {
    async function load(n: number) {
      return await Promise.resolve({ user: n });
    }
    return cached(load, { cache });
  };
  await using first = make();
  await using again = make();
  assert.deepEqual(await first(1), { user: 1 });
  assert.deepEqual(await again(1), { user: 1 }, "the same, made again");
  async function load(n: number) {
    return await Promise.resolve({ order: n });
  }
  assert.throws(
    () => cached(load, { cache }),
    /name must be given: another function named "load" shares this cache/,
  );
  await using other = cached(load, { cache, name: "orders" });
  assert.deepEqual(await other(1), { order: 1 });
  await using own = cached(load);
  assert.deepEqual(await own(1), { order: 1 });
});

Deno.test("any store with four methods will do", async () => {
  const entries = new Map<string, unknown>();
  const cache: CacheStore = {
    get: (key) => Promise.resolve(entries.get(key)),
    set: (key, value) => void entries.set(key, value),
    delete: (key) => entries.delete(key),
    invalidateTag: () => entries.clear(),
  };
  const { fn, calls } = manual<[number], string>();
  await using load = cached(fn, { cache, name: "f" });
  const values = [load(1), load(1)];
  await settle();
  calls[0].resolve("value");
  assert.deepEqual(await Promise.all(values), ["value", "value"]);
  assert.equal(await load(1), "value");
  assert.equal(calls.length, 1);
  const old = load(2);
  await settle();
  await load.invalidateTag("any");
  assert.equal(entries.size, 0);
  await load.invalidate(2);
  calls[1].resolve("old");
  assert.equal(await old, "old");
  assert.equal(entries.size, 0);
});

Deno.test("a closed function aborts its loads and takes no more calls", async () => {
  const { fn, calls } = manual<[AbortSignal], string>();
  const load = cached(fn);
  const waiting = load(new AbortController().signal);
  await settle();
  await load.close();
  const { signal } = { signal: calls[0].args[0] };
  assert(signal.reason instanceof ClosedError);
  calls[0].reject(signal.reason);
  await assert.rejects(waiting, ClosedError);
  await assert.rejects(load(signal), ClosedError);
  await assert.rejects(load.peek(signal), ClosedError);
  await load.close();
});

Deno.test("closing sends all callers away, whatever their function does", async () => {
  const load = cached(
    (_: number, _signal?: AbortSignal) => new Promise(() => {}),
    { name: "deaf" },
  );
  const waiting = [
    load(1),
    load(1),
    load(1, new AbortController().signal),
    load.refresh(2),
    load(2),
  ];
  await settle();
  await load.invalidate(1);
  waiting.push(load(1));
  await settle();
  await load.close();
  for (const each of waiting) {
    await assert.rejects(
      each,
      (error) => error instanceof ClosedError && /"deaf"/.test(error.message),
    );
  }
});

Deno.test("a look-up that ends after the close begins nothing", async () => {
  const clock = new FakeClock();
  const lookup = Promise.withResolvers<CacheHit<unknown>>();
  const cache = new MemoryCache({ clock });
  const slow = Object.assign(cache, { lookup: () => lookup.promise });
  let loads = 0;
  const load = cached(() => ++loads, { cache: slow, name: "f" });
  const waiting = load();
  await load.close();
  lookup.resolve({ value: 1, stale: true });
  await assert.rejects(waiting, ClosedError);
  await settle();
  assert.equal(loads, 0);
  cache.close();
});

Deno.test("options that make no sense are refused and quoted", () => {
  for (
    const options of [
      { ttlMs: -1 },
      { ttlMs: NaN },
      { staleMs: -1 },
      { negativeTtlMs: NaN },
      { ttlMs: Infinity, staleMs: 1 },
    ]
  ) {
    assert.throws(() => cached(() => 1, options), InvalidOptionError);
  }
});

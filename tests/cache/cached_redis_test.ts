import assert from "node:assert/strict";
import { sleep } from "../../src/base/abort.ts";
import { cached } from "../../src/cache/cached/cached.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";

const REMOTE = { timeoutMs: 10_000, leaseMs: 500, log: () => {} };

type Shared = RedisCache | TieredCache;

/** As many caches over one Redis as there would be processes. */
async function openAll(
  kind: "RedisCache" | "TieredCache",
  redis: TestRedis,
  count: number,
): Promise<{ caches: Shared[] } & AsyncDisposable> {
  const options = { ...REMOTE, url: redis.url };
  const caches: Shared[] = [];
  for (let i = 0; i < count; i++) {
    if (kind === "RedisCache") caches.push(await RedisCache.connect(options));
    else caches.push(await TieredCache.connect({ remote: options }));
  }
  return {
    caches,
    async [Symbol.asyncDispose]() {
      for (const cache of caches) await cache.close();
    },
  };
}

for (const kind of ["RedisCache", "TieredCache"] as const) {
  const test = (
    title: string,
    run: (caches: Shared[], redis: TestRedis) => Promise<void>,
  ): void => {
    Deno.test({
      name: `cached over ${kind}: ${title}`,
      ignore: ignoreWithoutRedis,
      fn: async () => {
        await using redis = await TestRedis.start();
        await using opened = await openAll(kind, redis, 3);
        await run(opened.caches, redis);
      },
    });
  };

  test("a thousand callers in three processes make one load", async (caches) => {
    let loads = 0;
    const load = async (n: number) => {
      loads++;
      await sleep(50);
      return { n };
    };
    const functions = caches.map((cache) =>
      cached(load, { cache, name: "load" })
    );
    const calls = Array.from({ length: 1_000 }, (_, i) => functions[i % 3](7));
    for (const value of await Promise.all(calls)) {
      assert.deepEqual(value, { n: 7 });
    }
    assert.equal(loads, 1);
  });

  test("the loser of a failed load makes its own", async ([one, two]) => {
    const started = Promise.withResolvers<void>();
    const failing = cached(async (): Promise<string> => {
      started.resolve();
      await sleep(50);
      throw new Error("failed");
    }, { cache: one, name: "load" });
    const working = cached(() => "value", { cache: two, name: "load" });
    const failure = assert.rejects(failing(), /failed/);
    await started.promise;
    assert.equal(await working(), "value");
    await failure;
    assert.equal(await failing(), "value");
  });

  test("a caller that waits for another process can leave", async ([one, two]) => {
    const loaded = Promise.withResolvers<string>();
    const slow = cached(() => loaded.promise, {
      cache: one,
      name: "load",
      key: () => [],
    });
    const waiting = cached((_: AbortSignal) => "never", {
      cache: two,
      name: "load",
      key: () => [],
    });
    const winner = slow();
    await sleep(20);
    const controller = new AbortController();
    const loser = waiting(controller.signal);
    await sleep(50);
    controller.abort(new Error("enough"));
    await assert.rejects(loser, /enough/);
    loaded.resolve("value");
    assert.equal(await winner, "value");
  });

  test("a value invalidated elsewhere while it loads is loaded again", async ([one, two]) => {
    let source = "old";
    const reading = Promise.withResolvers<void>();
    const slow = cached(async () => {
      const value = source;
      reading.resolve();
      await sleep(50);
      return value;
    }, { cache: one, name: "load", tags: ["t"] });
    const other = cached(() => source, { cache: two, name: "load" });
    for (
      const invalidate of [other.invalidate, () => other.invalidateTag("t")]
    ) {
      source = "old";
      await slow.invalidate();
      const value = slow();
      await reading.promise;
      await sleep(10);
      source = "new";
      await invalidate();
      assert.equal(await value, "new");
    }
  });

  test("undefined is a value, in every process", async ([one, two]) => {
    let loads = 0;
    const options = { name: "load" };
    const nothing = () => void loads++;
    await cached(nothing, { ...options, cache: one })();
    await cached(nothing, { ...options, cache: two })();
    assert.equal(loads, 1);
  });

  test("a value that JSON can't say is returned, and not kept", async ([cache]) => {
    const log: string[] = [];
    let loads = 0;
    const load = cached(() => BigInt(++loads), {
      cache,
      name: "load",
      log: (line) => log.push(line),
    });
    assert.equal(await load(), 1n);
    assert.equal(await load(), 2n);
    assert.equal(load.stats.uncacheable, 2);
    assert.equal(log.length, 1);
    assert.match(log[0], /cached function "load": .*JSON/);
  });

  test("a load that its caller has left keeps nobody waiting", async ([one, two]) => {
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const hanging = cached((_key: string, _signal: AbortSignal) => {
      begun.resolve();
      return new Promise(() => {});
    }, { cache: one, name: "load" });
    const other = cached((key: string) => key, { cache: two, name: "load" });
    const leaving = assert.rejects(hanging("a", controller.signal), /leave/);
    await begun.promise;
    controller.abort(new Error("leave"));
    await leaving;
    const start = performance.now();
    assert.equal(await other("a"), "a");
    const waitedMs = performance.now() - start;
    assert(waitedMs < 1_000, `${waitedMs} ms`);
  });

  test("a hit gives what a miss gave, or there is none", async ([cache]) => {
    const values: unknown[] = [
      { at: new Date(0) },
      new Map([["a", new Set([1])]]),
      [Infinity],
      { rows: [{ url: new URL("http://a/") }] },
      { text: "\ud800", list: [null, 1.5, { deep: [[]] }] },
    ];
    const load = cached(
      (i: number) => values[i],
      { cache, name: "load", log: () => {} },
    );
    for (const [i, value] of values.entries()) {
      assert.deepEqual(await load(i), value);
      assert.deepEqual(await load(i), value);
    }
    assert.equal(load.stats.hits, 1);
  });

  test("a stale value is refreshed by one process", async (caches) => {
    let loads = 0;
    const functions = caches.map((cache) =>
      cached(async () => {
        await sleep(30);
        return ++loads;
      }, { cache, name: "load", ttlMs: 100, staleMs: 60_000 })
    );
    assert.equal(await functions[0](), 1);
    await sleep(120);
    const values = await Promise.all(functions.map((load) => load()));
    assert.deepEqual(values, [1, 1, 1]);
    await eventually(() =>
      functions.every((load) => load.stats.inFlight === 0)
    );
    assert.equal(loads, 2);
  });

  test(
    "with Redis gone every process loads for itself",
    async (caches, redis) => {
      await redis.kill();
      let loads = 0;
      const functions = caches.map((cache) =>
        cached(() => ++loads, { cache, name: "load" })
      );
      for (const load of functions) {
        assert.equal(typeof await load(), "number");
      }
      assert.equal(loads, 3);
    },
  );
}

Deno.test({
  name: "cached: another process takes over from one that died loading",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const script = new URL("./loader_process.ts", import.meta.url).pathname;
    const winner = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, redis.url],
      stdout: "piped",
    }).spawn();
    const reader = winner.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value).trim(), "loading");

    await using cache = await RedisCache.connect({ ...REMOTE, url: redis.url });
    let loads = 0;
    const load = cached(() => `taken over ${++loads}`, {
      cache,
      name: "shared",
    });
    const waiting = load();
    await sleep(1_000);
    assert.equal(loads, 0, "a loader that lives is waited for");
    winner.kill("SIGKILL");
    await winner.status;
    await reader.cancel();
    assert.equal(await waiting, "taken over 1");
  },
});

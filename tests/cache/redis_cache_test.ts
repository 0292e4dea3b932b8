import assert from "node:assert/strict";
import { CacheValueError, InvalidOptionError } from "../../src/base/errors.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import type { RedisCacheOptions } from "../../src/cache/redis/redis_cache_options.ts";
import { sleep } from "../../src/base/abort.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { clients, type ClientUnderTest } from "./redis_clients.ts";
import { testStoreContract } from "./store_contract.ts";

/** On a busy machine an answer may take longer than the default allows. */
const PATIENT = { timeoutMs: 10_000 };

/** A cache over a Redis of its own. */
async function start<V = unknown>(
  client: ClientUnderTest,
  options: RedisCacheOptions = {},
) {
  const redis = await TestRedis.start();
  const connected = await client.connect(redis.url);
  const cache = await RedisCache.connect<V>({
    ...PATIENT,
    ...connected.options,
    ...options,
  });
  return {
    redis,
    cache,
    async [Symbol.asyncDispose]() {
      await cache.close();
      await connected.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

for (const client of clients) {
  const ignore = ignoreWithoutRedis || client.missing !== undefined;
  testStoreContract({
    name: `RedisCache by ${client.name}`,
    ignore,
    make: async () => {
      const made = await start(client);
      return {
        store: made.cache,
        advance: (ms) => sleep(ms),
        [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
      };
    },
  });

  Deno.test({
    name: `RedisCache by ${client.name}: keeps bytes as they are`,
    ignore,
    fn: async () => {
      await using made = await start<Uint8Array>(client, { format: "bytes" });
      const { cache } = made;
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const values = [
        all,
        new Uint8Array(),
        all.subarray(7, 90),
        all.toReversed(),
      ];
      for (const [i, value] of values.entries()) {
        await cache.set("plain", value);
        assert.deepEqual(await cache.get("plain"), new Uint8Array(value));
        await cache.set("marked", value, { staleMs: 1_000, tags: [`t${i}`] });
        assert.deepEqual(await cache.get("marked"), new Uint8Array(value));
      }
      assert.deepEqual(await cache.getMany(["plain", "none"]), [
        new Uint8Array(values.at(-1)!),
        undefined,
      ]);
      await cache.invalidateTag("t3");
      assert.equal(await cache.get("marked"), undefined);
      await assert.rejects(
        cache.set("text", "text" as unknown as Uint8Array),
        (error: Error) =>
          error instanceof CacheValueError && /got "text"/.test(error.message),
      );
    },
  });

  Deno.test({
    name: `RedisCache by ${client.name}: reads and writes many at once`,
    ignore,
    fn: async () => {
      await using made = await start<number>(client);
      const { cache, redis } = made;
      const keys = Array.from({ length: 250 }, (_, i) => `key ${i}`);
      await cache.setMany(keys.map((key, i) => [key, i]), { tags: ["all"] });
      assert.deepEqual(
        await cache.getMany([...keys, "none"]),
        [...keys.keys(), undefined],
      );
      const commands = await redis.command("INFO", "commandstats");
      const mgets = Number(/cmdstat_mget:calls=(\d+)/.exec(commands)?.[1]);
      assert.equal(mgets, 6, "three for the entries, three for their tags");
      await cache.invalidateTag("all");
      assert.deepEqual(await cache.getMany(keys), keys.map(() => undefined));
    },
  });
}

const [byUrl] = clients;

function test(
  name: string,
  run: (redis: TestRedis, cache: RedisCache) => Promise<void>,
  options?: RedisCacheOptions,
): void {
  Deno.test({
    name: `RedisCache: ${name}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using made = await start(byUrl, options);
      await run(made.redis, made.cache);
    },
  });
}

test(
  "a value is plain JSON to others, under prefix and key",
  async (redis, cache) => {
    await cache.set("user:1", { name: "Ada" }, { ttlMs: 60_000 });
    assert.equal(await redis.command("GET", "app:user:1"), '{"name":"Ada"}');
    const leftMs = Number(await redis.command("PTTL", "app:user:1"));
    assert(leftMs > 50_000 && leftMs <= 60_000);
    await redis.command("SET", "app:user:2", '{"name":"Grace"}');
    assert.deepEqual(await cache.get("user:2"), { name: "Grace" });
  },
  { prefix: "app" },
);

test("what it can't read is a miss", async (redis, cache) => {
  for (const garbage of ["{", "~", "~{}", "~nonsense\n1", "~{}\n{"]) {
    await redis.command("SET", "sluice:a", garbage);
    assert.equal(await cache.get("a"), undefined);
  }
  await redis.command("DEL", "sluice:a");
  await redis.command("LPUSH", "sluice:a", "a list");
  assert.equal(await cache.get("a"), undefined);
  assert.equal(cache.stats.errors, 1);
  assert.equal(cache.stats.state, "closed", "Redis itself is well");
}, { log: () => {} });

test(
  "a value that JSON can't say is refused, whatever becomes of Redis",
  async (_, cache) => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [1n, cycle, () => {}, Symbol("s")]) {
      await assert.rejects(cache.set("a", value), CacheValueError);
      await assert.rejects(
        cache.setMany([["b", 1], ["a", value]]),
        CacheValueError,
      );
    }
    assert.equal(await cache.get("b"), undefined);
    await assert.rejects(cache.set("a", { rows: [{ at: new Date(0) }] }), {
      message:
        "JSON can't say a value: value.rows[0].at is an instance of Date",
    });
    await assert.rejects(
      cache.set("a", [new Map()]),
      /value\[0\] is an instance of Map/,
    );
  },
);

test(
  "an entry is void when a tag's version is evicted",
  async (redis, cache) => {
    await cache.set("a", 1, { tags: ["t"] });
    await redis.command("DEL", "sluice#tag:t");
    assert.equal(await cache.get("a"), undefined);
    await cache.set("b", 2, { tags: ["t"] });
    assert.equal(await cache.get("a"), undefined);
    assert.equal(await cache.get("b"), 2);
  },
);

test("a tag outlives the entries that carry it", async (redis, cache) => {
  const leftMs = async () =>
    Number(await redis.command("PTTL", "sluice#tag:t"));
  await cache.set("a", 1, { ttlMs: 10_000, tags: ["t"] });
  assert(await leftMs() > 10_000);
  await cache.set("b", 1, { ttlMs: 10_000_000, tags: ["t"] });
  assert(await leftMs() > 10_000_000);
  await cache.set("c", 1, { ttlMs: 10_000, tags: ["t"] });
  assert(await leftMs() > 10_000_000);
  await cache.set("d", 1, { ttlMs: Infinity, tags: ["t"] });
  assert.equal(await leftMs(), -1);
  await cache.set("e", 1, { ttlMs: 10_000, tags: ["t"] });
  assert.equal(await leftMs(), -1);
});

test(
  "a claim holds for as long as its owner lives, not longer",
  async (_, cache) => {
    const first = await cache.claim("a");
    assert(first.kind === "claimed");
    assert.equal((await cache.claim("a")).kind, "busy");
    await sleep(500);
    assert.equal((await cache.claim("a")).kind, "busy", "it is renewed");
    await first.claim.release();
    const second = await cache.claim("a");
    assert(second.kind === "claimed");
    assert.equal(await first.claim.commit("late"), false);
    await second.claim.release();
  },
  { leaseMs: 200 },
);

test("options that make no sense are refused and quoted", () => {
  const refused: [object, RegExp][] = [
    [{ url: "http://a" }, /url must begin .* got "http:"/],
    [{ url: "secret" }, /url .* got something else/],
    [{ url: undefined, client: undefined }, /url or client is needed/],
    [{ url: "redis://a", client: {} }, /url and client can't both be given/],
    [{ client: {} }, /client must be one of .* got an object/],
    [{ driver: "other" }, /driver .* got "other"/],
    [{ format: "xml" }, /format .* got "xml"/],
    [{ prefix: "" }, /prefix .* got ""/],
    [{ timeoutMs: 0 }, /timeoutMs .* got 0/],
    [{ failureThreshold: 0 }, /failureThreshold .* got 0/],
    [{ probeMs: NaN }, /probeMs .* got NaN/],
    [{ connectTimeoutMs: -1 }, /connectTimeoutMs .* got -1/],
    [{ leaseMs: 0.5 }, /leaseMs .* got 0.5/],
    [{ ttlMs: 0 }, /ttlMs .* got 0/],
  ];
  /** With somewhere to connect to, unless that is what is wrong. */
  const complete = (options: RedisCacheOptions): RedisCacheOptions =>
    "url" in options || "client" in options
      ? options
      : { url: "redis://a", ...options };
  for (const [options, message] of refused) {
    assert.throws(
      () => new RedisCache(complete(options as RedisCacheOptions)),
      (error: Error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  }
  return Promise.resolve();
});

test("without options there is nowhere to connect to", async () => {
  const refusal = { name: "InvalidOptionError", message: /url or client/ };
  const none = undefined as unknown as RedisCacheOptions;
  assert.throws(() => new RedisCache(none), refusal);
  await assert.rejects(RedisCache.connect(none), refusal);
});

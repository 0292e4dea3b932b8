import assert from "node:assert/strict";
import { sleep } from "../../src/base/abort.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import type { RedisCacheOptions } from "../../src/cache/redis/redis_cache_options.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { clients } from "./redis_clients.ts";

/** What was logged, without what differs from machine to machine. */
class Log {
  readonly lines: string[] = [];
  readonly write = (line: string): void => void this.lines.push(line);

  get changes(): string[] {
    return this.lines.map((line) =>
      /not used|used again|refuses/.exec(line)![0]
    );
  }
}

/** Quick to give up, so that the test is quick too. */
const QUICK: RedisCacheOptions = {
  timeoutMs: 200,
  probeMs: 20,
  connectTimeoutMs: 500,
};

/** Quicker still, where it doesn't matter how soon the circuit opens. */
const HASTY: RedisCacheOptions = { failureThreshold: 2 };

interface Broken {
  redis: TestRedis;
  cache: RedisCache;
  log: Log;
}

function test(
  title: string,
  run: (made: Broken) => Promise<void>,
  options: RedisCacheOptions = {},
): void {
  for (const client of clients) {
    Deno.test({
      name: `RedisCache by ${client.name}: ${title}`,
      ignore: ignoreWithoutRedis || client.missing !== undefined,
      fn: async () => {
        await using redis = await TestRedis.start();
        const connected = await client.connect(redis.url);
        const log = new Log();
        const cache = await RedisCache.connect({
          ...QUICK,
          ...connected.options,
          ...options,
          log: log.write,
        });
        try {
          await eventually(() => cache.stats.state === "closed");
          await run({ redis, cache, log });
        } finally {
          await cache.close();
          await connected.close();
        }
      },
    });
  }
}

/** Uses the cache until its circuit opens; nothing may reject. */
async function useUntilOpen(cache: RedisCache): Promise<void> {
  await eventually(async () => {
    assert.equal(await cache.get("a"), undefined);
    return cache.stats.state === "open";
  });
}

test("a Redis that dies is a miss, and is used again when it returns", async ({ redis, cache, log }) => {
  await cache.set("a", 1);
  await redis.kill();
  await useUntilOpen(cache);
  assert.equal(await cache.get("a"), undefined);
  assert.deepEqual(await cache.getMany(["a", "b"]), [undefined, undefined]);
  assert.equal(await cache.delete("b"), false);
  assert.equal(await cache.ping(), false);
  await cache.set("a", 2);
  await cache.invalidateTag("t");
  assert.deepEqual(log.changes, ["not used"]);
  await redis.restart();
  await eventually(() => cache.stats.state === "closed");
  await cache.set("a", 3);
  assert.equal(await cache.get("a"), 3);
  assert.equal(await cache.ping(), true);
  assert.deepEqual(log.changes, ["not used", "used again"]);
});

test("a Redis that hangs is a miss within timeoutMs, then isn't asked", async ({ redis, cache, log }) => {
  await cache.set("a", 1);
  redis.pause();
  await useUntilOpen(cache);
  assert.equal(cache.stats.timeouts, 5);
  const { timeouts } = cache.stats;
  for (let i = 0; i < 1_000; i++) await cache.get("a");
  assert.equal(cache.stats.timeouts, timeouts, "nobody waited any more");
  assert(cache.stats.skipped >= 1_000);
  redis.resume();
  await eventually(() => cache.stats.state === "closed");
  assert.equal(await cache.get("a"), 1);
  // On a busy machine it may be late again, and be given up once more.
  assert.deepEqual(log.changes.slice(0, 2), ["not used", "used again"]);
  assert.equal(log.changes.at(-1), "used again");
});

test(
  "what changed while Redis hung isn't served when it returns",
  async ({ redis, cache }) => {
    await cache.set("set", "old");
    await cache.set("deleted", "old");
    await cache.set("tagged", "old", { tags: ["t"] });
    await cache.set("kept", "old");
    redis.pause();
    await useUntilOpen(cache);
    await cache.set("set", "new");
    await cache.delete("deleted");
    await cache.invalidateTag("t");
    assert.equal(cache.stats.pendingChanges, 3);
    redis.resume();
    await eventually(() => cache.stats.state === "closed");
    assert.equal(cache.stats.pendingChanges, 0);
    assert.deepEqual(
      await cache.getMany(["set", "deleted", "tagged", "kept"]),
      [undefined, undefined, undefined, "old"],
    );
  },
  HASTY,
);

test(
  "a change that timed out by itself is made up for",
  async ({ redis, cache }) => {
    await cache.set("a", "old");
    redis.pause();
    await cache.set("a", "new");
    assert.equal(cache.stats.pendingChanges, 1);
    assert.equal(cache.stats.state, "closed");
    redis.resume();
    await eventually(() => cache.stats.pendingChanges === 0);
    assert.notEqual(await cache.get("a"), "old");
  },
  { failureThreshold: 1_000 },
);

test("a Redis that refuses commands is a miss, logged once", async ({ redis, cache, log }) => {
  await redis.command("CONFIG", "SET", "maxmemory", "1");
  for (let i = 0; i < 10; i++) await cache.set("a", i);
  assert.equal(await cache.get("a"), undefined);
  assert.equal(cache.stats.state, "closed");
  assert.equal(cache.stats.errors, 10);
  assert.deepEqual(log.changes, ["refuses"]);
  assert.match(log.lines[0], /OOM/);
});

test("CLIENT PAUSE is a hang like any other", async ({ redis, cache }) => {
  await cache.set("a", 1);
  await redis.command("CLIENT", "PAUSE", "1500", "ALL");
  await useUntilOpen(cache);
  await eventually(() => cache.stats.state === "closed");
  assert.equal(await cache.get("a"), 1);
}, HASTY);

test(
  "a claim while Redis is away is for everyone, and keeps nothing",
  async ({ redis, cache }) => {
    redis.pause();
    await useUntilOpen(cache);
    for (let i = 0; i < 2; i++) {
      const outcome = await cache.claim("a");
      assert(outcome.kind === "claimed");
      assert.equal(await outcome.claim.commit("value"), true);
    }
    redis.resume();
    await eventually(() => cache.stats.state === "closed");
    assert.equal(await cache.get("a"), undefined);
  },
  HASTY,
);

/** How long a new process waits for the right to load an entry, in milliseconds. */
async function waitForClaim(redis: TestRedis, key: string): Promise<number> {
  await using fresh = await RedisCache.connect({ ...QUICK, url: redis.url });
  const start = performance.now();
  await eventually(async () => (await fresh.claim(key)).kind === "claimed");
  return performance.now() - start;
}

test(
  "a claim that got no answer isn't left behind for nobody",
  async ({ redis, cache }) => {
    redis.pause();
    const claims = await Promise.all(["a", "b"].map((key) => cache.claim(key)));
    for (const { kind } of claims) assert.equal(kind, "claimed");
    await useUntilOpen(cache);
    redis.resume();
    await eventually(() => cache.stats.state === "closed");
    assert.equal(cache.stats.pendingChanges, 0);
    assert((await cache.claim("a")).kind === "claimed");
    const waitedMs = await waitForClaim(redis, "b");
    assert(waitedMs < 1_000, `${waitedMs} ms`);
  },
  { ...HASTY, leaseMs: 60_000 },
);

test(
  "a claim that couldn't be ended is released when Redis is back",
  async ({ redis, cache }) => {
    const outcomes = await Promise.all([cache.claim("a"), cache.claim("b")]);
    const [a, b] = outcomes.map((each) => {
      assert(each.kind === "claimed");
      return each.claim;
    });
    redis.pause();
    await useUntilOpen(cache);
    await a.release();
    await b.commit("value");
    redis.resume();
    await eventually(() => cache.stats.state === "closed");
    assert((await cache.claim("a")).kind === "claimed");
    assert((await cache.claim("b")).kind === "claimed");
  },
  { ...HASTY, leaseMs: 60_000 },
);

test("a set says whether Redis took it", async ({ redis, cache }) => {
  assert.equal(await cache.set("a", 1), true);
  assert.equal(await cache.setMany([["a", 2], ["b", 3]]), true);
  redis.pause();
  assert.equal(await cache.set("a", 3), false, "no answer");
  await useUntilOpen(cache);
  assert.equal(await cache.set("a", 4, { tags: ["t"] }), false, "not asked");
  assert.equal(await cache.setMany([["b", 5]]), false);
  redis.resume();
  await eventually(() => cache.stats.state === "closed");
  assert.equal(await cache.set("a", 6), true);
});

const REFUSALS: [why: string, begin: string[], end: string[]][] = [
  ["READONLY", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
  [
    "NOPERM",
    ["ACL", "SETUSER", "default", "-eval"],
    ["ACL", "SETUSER", "default", "+eval"],
  ],
];

for (const [why, begin, end] of REFUSALS) {
  test(`one that answers ${why} is degraded until it no longer does`, async ({ redis, cache, log }) => {
    assert.deepEqual(await cache.checkHealth(), { status: "healthy" });
    await redis.command(...begin);
    for (const use of [() => cache.ping(), () => cache.set("a", 1)]) {
      await use();
      const { status, message } = await cache.checkHealth();
      assert.equal(status, "degraded");
      assert.match(message!, new RegExp(`^Redis refuses commands: .*${why}`));
    }
    assert.equal(cache.stats.state, "closed");
    assert.deepEqual(log.changes, ["refuses"]);
    await redis.command(...end);
    assert.equal(await cache.set("a", 2), true);
    assert.deepEqual(await cache.checkHealth(), { status: "healthy" });
    assert.equal(await cache.get("a"), 2);
  });
}

Deno.test({
  name: "RedisCache: one that isn't there at the start is used when it comes",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await redis.kill();
    const log = new Log();
    await using cache = await RedisCache.connect<number>({
      ...QUICK,
      url: redis.url,
      log: log.write,
    });
    assert.equal(await cache.get("a"), undefined);
    assert.deepEqual(log.changes, ["not used"]);
    await redis.restart();
    await eventually(() => cache.stats.state === "closed");
    await cache.set("a", 1);
    assert.equal(await cache.get("a"), 1);
    assert.deepEqual(log.changes, ["not used", "used again"]);
  },
});

Deno.test({
  name:
    "RedisCache: a connection to a Redis that hangs is given up, and made again",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    redis.pause();
    await using cache = await RedisCache.connect({
      ...QUICK,
      connectTimeoutMs: 100,
      url: redis.url,
      log: () => {},
    });
    await sleep(500);
    assert.equal(await cache.get("a"), undefined);
    redis.resume();
    await eventually(() => cache.stats.state === "closed");
    await eventually(async () => {
      const clients = await redis.command("INFO", "clients");
      // Its own, and that of redis-cli.
      return /connected_clients:2\b/.test(clients);
    });
  },
});

Deno.test({
  name: "RedisCache: closing ends it whatever Redis does",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const cache = await RedisCache.connect({ ...QUICK, url: redis.url });
    redis.pause();
    const waiting = [cache.get("a"), cache.set("b", 1), cache.ready()];
    await cache.close();
    await Promise.all(waiting);
  },
});

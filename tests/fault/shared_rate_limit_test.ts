import assert from "node:assert/strict";
import {
  McpServer,
  type RateLimitOptions,
  RedisRateLimitStore,
} from "../../mod.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

/** One of the replicas of a server, which listens on a port of its own. */
async function replica(redis: TestRedis, rateLimit: RateLimitOptions) {
  const store = await RedisRateLimitStore.connect(redis.url, {
    log: () => {},
    // The machine may be busy, and nothing here is about a slow Redis.
    timeoutMs: 10_000,
  });
  const server = new McpServer({ name: "replica", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool(
    "search",
    { rateLimit: { ...rateLimit, store } },
    () => "found",
  );
  const { url } = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  return {
    async call() {
      const message = modernCall("tools/call", { name: "search" });
      const response = await fetch(url, modernPost(message));
      await response.text();
      return response;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

for (const algorithm of ["token-bucket", "sliding-window"] as const) {
  Deno.test({
    name: `replicas share a rate limit through Redis: ${algorithm}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      const limit = { algorithm, limit: 5, intervalMs: 600_000 };
      await using one = await replica(redis, limit);
      await using two = await replica(redis, limit);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => n % 2 ? one.call() : two.call()),
      );
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((each) => each === 200).length, 5);
      assert.equal(statuses.filter((each) => each === 429).length, 7);
      const refused = answers.find(({ status }) => status === 429)!;
      assert.ok(Number(refused.headers.get("retry-after")) > 0);
      assert.match(refused.headers.get("ratelimit")!, /;r=0;/);
    },
  });
}

Deno.test({
  name: "while Redis is away, each replica limits on its own",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using one = await replica(redis, { limit: 2, intervalMs: 600_000 });
    assert.equal((await one.call()).status, 200);
    await redis.kill();
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await one.call()).status);
    assert.deepEqual(statuses, [200, 200, 429]);
  },
});

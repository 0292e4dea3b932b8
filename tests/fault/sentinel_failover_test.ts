import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { TestSentinel } from "../support/redis_sentinel.ts";
import { LegacyClient } from "../transport/wire.ts";

/** One replica, by a client that asks the sentinel who is the primary. */
async function replica(client: Redis): Promise<McpServer> {
  const server = new McpServer({ name: "watched", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    redis: { client },
  });
  await whole(server);
  return server;
}

async function whole(server: McpServer): Promise<void> {
  await eventually(
    async () => (await server.health.run()).checks.redis.status === "healthy",
    30_000,
  );
}

Deno.test({
  name:
    "a sentinel has a copy take over: by ioredis sessions go on, and no 404",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using first = await TestRedis.start();
    await using second = await TestRedis.start();
    await second.follow(first);
    await using sentinel = await TestSentinel.start(first, second);
    const [one, other] = [1, 2].map(() =>
      new Redis({
        sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
        name: "main",
        // It waits so long, by a timer, for connections that have ended.
        disconnectTimeout: 1,
      })
    );
    const a = await replica(one);
    const b = await replica(other);
    const client = await LegacyClient.open(a);
    const elsewhere: LegacyClient = Object.assign(
      Object.create(LegacyClient.prototype),
      client,
      { server: b },
    );
    await eventually(async () => await second.command("DBSIZE") === "1");
    await first.kill();
    assert.equal((await client.ask("ping")).status, 200);
    await eventually(async () => {
      const { status } = await elsewhere.ask("ping");
      assert.ok(status === 200 || status === 503, String(status));
      return status === 200;
    }, 30_000);
    await Promise.all([whole(a), whole(b)]);
    await Promise.all([a.close(), b.close()]);
    for (const each of [one, other]) each.disconnect();
  },
});

import assert from "node:assert/strict";
import { McpServer, UnavailableError } from "../../mod.ts";
import { systemClock } from "../../src/base/clock.ts";
import { SharedRedis } from "../../src/cluster/shared_redis.ts";
import { RedisTaskStore } from "../../src/server/tasks/redis_task_store.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { assertRefused, LegacyClient } from "../transport/wire.ts";

const PREFIX = "sluice:released:";

Deno.test({
  name: "what another release keeps in a way of its own is left to it",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using server = new McpServer(
      { name: "released", version: "1.0.0" },
      { redis: redis.url, log: () => {}, health: { cacheMs: 0 } },
    );
    await eventually(async () =>
      (await server.health.run()).checks.redis?.status === "healthy"
    );
    const client = await LegacyClient.open(server);
    // Never 404: its client would throw it away.
    const other = Object.assign(Object.create(LegacyClient.prototype), client, {
      sessionId: "newer",
    });
    await redis.command(
      ...["HSET", `${PREFIX}session:newer`],
      ...["session", JSON.stringify({ v: 2, of: "a newer release" })],
    );
    assertRefused(await other.ask("ping"), { status: 503, code: -32005 });

    await using shared = new SharedRedis(redis.url, {
      name: "released",
      clock: systemClock,
      log: console as never,
    });
    await shared.bus.ready();
    const store = new RedisTaskStore(shared);
    const key = `${PREFIX}task:{newer}`;
    await redis.command(
      ...["HSET", key, "v", "2", "until", "0", "owner", "it", "term", "1"],
    );
    await redis.command("ZADD", `${PREFIX}tasks`, "0", "newer");
    assert.deepEqual(await store.leases.claim("this", 60_000, 16), []);
    assert.equal(await redis.command("HGET", key, "owner"), "it");
    assert.notEqual(
      await redis.command("ZSCORE", `${PREFIX}tasks`, "newer"),
      "",
    );
    await assert.rejects(store.get("newer"), UnavailableError);
  },
});

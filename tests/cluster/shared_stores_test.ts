import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { ask } from "../transport/wire.ts";

interface Counted {
  readonly server: McpServer;
  readonly runs: () => number;
}

async function replica(redis: TestRedis): Promise<Counted> {
  let runs = 0;
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    redis: redis.url,
    log: () => {},
    health: { cacheMs: 0 },
  });
  server.registerTool("limited", {
    rateLimit: { limit: 3, intervalMs: 60_000, by: () => "all" },
  }, () => "in time");
  server.registerTool("once", { idempotent: { ttlMs: 60_000 } }, () => {
    return `run ${++runs}`;
  });
  await eventually(async () =>
    (await server.health.run()).checks.redis?.status === "healthy"
  );
  return { server, runs: () => runs };
}

Deno.test({
  name: "rate limits and idempotency keys count at all replicas together",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const one = await replica(redis);
    const other = await replica(redis);
    const call = (at: Counted, name: string, key?: string) =>
      ask(at.server, "tools/call", {
        name,
        ...(key !== undefined &&
          { _meta: { "io.sluice/idempotency-key": key } }),
      });
    const statuses: number[] = [];
    for (const at of [one, other, one, other, one]) {
      statuses.push((await call(at, "limited")).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    const texts: string[] = [];
    for (const at of [one, other, other, one]) {
      texts.push(textOf((await call(at, "once", "k-1")).body.result));
    }
    assert.deepEqual(texts, Array(4).fill("run 1"));
    assert.equal(one.runs() + other.runs(), 1);
    await one.server.close();
    await other.server.close();
  },
});

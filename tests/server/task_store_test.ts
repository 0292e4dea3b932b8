import { MemoryTaskStore, systemClock } from "../../mod.ts";
import { SharedRedis } from "../../src/cluster/shared_redis.ts";
import { RedisTaskStore } from "../../src/server/tasks/redis_task_store.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { taskStoreContract } from "./task_store_contract.ts";

for (
  const [name, run] of taskStoreContract("memory", () => new MemoryTaskStore())
) {
  Deno.test(name, run);
}

Deno.test({
  name: "Redis: the contract of every task store",
  ignore: ignoreWithoutRedis,
  fn: async (t) => {
    await using redis = await TestRedis.start();
    const log = { debug() {}, info() {}, warning() {}, error() {} };
    await using shared = new SharedRedis(redis.url, {
      name: "test",
      clock: systemClock,
      log,
    });
    await shared.bus.ready();
    const make = () => new RedisTaskStore(shared);
    for (const [name, run] of taskStoreContract("redis", make)) {
      await t.step(name, run);
    }
  },
});

import assert from "node:assert/strict";
import { MemorySessionStore, systemClock } from "../../mod.ts";
import { SharedRedis } from "../../src/cluster/shared_redis.ts";
import { RedisSessionStore } from "../../src/server/sessions/redis_session_store.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { sessionStoreContract } from "./session_store_contract.ts";

for (
  const [name, run] of sessionStoreContract(
    "memory",
    () => new MemorySessionStore(),
  )
) {
  Deno.test(name, run);
}

Deno.test("a change in Redis is sent at once and whole, before what is sent next", async () => {
  const sent: (readonly string[])[] = [];
  const store = new RedisSessionStore({
    prefix: "test:",
    send: (command) => Promise.resolve(sent.push(command)),
  });
  const changes = [
    () => store.update("s", { logLevel: "error" }),
    () => store.follow("s", "news://1"),
    () => store.unfollow("s", "news://1"),
    () => store.delete("s"),
  ];
  for (const [index, change] of changes.entries()) {
    const done = change();
    assert.equal(sent.length, index + 1);
    await done;
  }
  assert.deepEqual(sent.map(([name]) => name), ["EVAL", "EVAL", "EVAL", "DEL"]);
});

Deno.test({
  name: "Redis: the contract of every session store",
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
    const make = () => new RedisSessionStore(shared);
    for (const [name, run] of sessionStoreContract("redis", make)) {
      await t.step(name, run);
    }
  },
});

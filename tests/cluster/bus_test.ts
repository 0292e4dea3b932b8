import assert from "node:assert/strict";
import { MemoryBusHub, systemClock } from "../../mod.ts";
import { SharedRedis } from "../../src/cluster/shared_redis.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { busContract } from "./bus_contract.ts";

const hub = new MemoryBusHub();
for (
  const [name, run] of busContract("memory", () => Promise.resolve(hub.join()))
) {
  Deno.test(name, run);
}

const log = { debug() {}, info() {}, warning() {}, error() {} };

function share(redis: TestRedis, lines: string[] = []): SharedRedis {
  const write = (line: string) => lines.push(line);
  return new SharedRedis(redis.url, {
    name: "test",
    clock: systemClock,
    log: { ...log, info: write, warning: write },
  });
}

Deno.test({
  name: "Redis: the contract of every bus",
  ignore: ignoreWithoutRedis,
  fn: async (t) => {
    await using redis = await TestRedis.start();
    const all: SharedRedis[] = [];
    const join = () => {
      const shared = share(redis);
      all.push(shared);
      return Promise.resolve(shared.bus);
    };
    for (const [name, run] of busContract("redis", join)) {
      await t.step(name, run);
    }
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
  },
});

Deno.test({
  name: "Redis: a member that was cut off is told of the gap, and hears again",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const lines: string[] = [];
    await using one = share(redis, lines);
    await using other = share(redis);
    let gaps = 0;
    const heard: string[] = [];
    other.bus.listen({
      message: (text) => heard.push(text),
      gap: () => gaps++,
    });
    one.bus.listen({ message() {}, gap() {} });
    await Promise.all([one.bus.ready(), other.bus.ready()]);
    assert.deepEqual(await other.checkHealth(), { status: "healthy" });
    await redis.kill();
    await eventually(() => !one.bus.connected && !other.bus.connected);
    await assert.rejects(one.bus.broadcast("lost"), {
      code: "SLUICE_UNAVAILABLE",
    });
    const health = await other.checkHealth();
    assert.equal((health as { status: string }).status, "unhealthy");
    const before = gaps;
    await redis.restart();
    await eventually(() => one.bus.connected && gaps > before);
    await one.bus.broadcast("again");
    await eventually(() => heard.includes("again"));
    assert.deepEqual(heard, ["again"]);
    assert.match(lines[0], /^Redis can't be reached: /);
    assert.equal(lines.at(-1), "Redis can be reached again");
  },
});

Deno.test({
  name: "Redis: one that answers nothing is given up, and found again",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    const shared = new SharedRedis(
      { url: redis.url, timeoutMs: 100, connectTimeoutMs: 300 },
      { name: "test", clock: systemClock, log },
    );
    shared.bus.listen({ message() {}, gap() {} });
    await shared.bus.ready();
    redis.pause();
    await assert.rejects(shared.send(["PING"]), {
      code: "SLUICE_UNAVAILABLE",
    });
    await eventually(() => !shared.bus.connected);
    redis.resume();
    await eventually(() => shared.bus.connected);
    assert.equal(await shared.send(["PING"]), "PONG");
    await shared[Symbol.asyncDispose]();
  },
});

Deno.test("what Redis is shared by is checked", () => {
  const host = { name: "test", clock: systemClock, log };
  const refused: [unknown, RegExp][] = [
    ["http://localhost", /redis:\/\//],
    [{}, /url or client is needed/],
    [{ url: "redis://127.0.0.1:1", prefix: "" }, /redis\.prefix/],
    [{ url: "redis://127.0.0.1:1", timeoutMs: -1 }, /redis\.timeoutMs/],
    [{ url: "redis://127.0.0.1:1", prefx: "a" }, /prefx/],
  ];
  for (const [options, message] of refused) {
    assert.throws(() => new SharedRedis(options as string, host), {
      code: "SLUICE_INVALID_OPTION",
      message,
    });
  }
});

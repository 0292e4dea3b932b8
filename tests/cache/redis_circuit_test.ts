import assert from "node:assert/strict";
import { createSentinel } from "redis";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import type { RedisCacheOptions } from "../../src/cache/redis/redis_cache_options.ts";
import type { RedisPort } from "../../src/redis/redis_port.ts";
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A Redis that answers as the test says, or not at all. */
class FakePort implements RedisPort {
  /** What commands are answered with; `undefined` for no answer. */
  answer: (command: string) => unknown = () => null;
  readonly commands: string[] = [];

  command(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    const command = String(args[0]);
    this.commands.push(command);
    const answer = command === "PING" && this.answer(command) !== undefined
      ? "PONG"
      : this.answer(command);
    if (answer instanceof Error) return Promise.reject(answer);
    return answer === undefined
      ? new Promise(() => {})
      : Promise.resolve(answer);
  }

  commandBytes(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    return this.command(args);
  }

  subscribe(): Promise<void> {
    return Promise.resolve();
  }

  onLost(): void {}

  close(): void {}
}

async function make(options: RedisCacheOptions = {}) {
  const clock = new FakeClock();
  const client = new FakePort();
  const log: string[] = [];
  const cache = new RedisCache({
    client,
    clock,
    log: (line) => log.push(line),
    ...options,
  });
  await clock.advance(1);
  assert.equal(cache.stats.state, "closed");
  return { clock, client, log, cache };
}

Deno.test("an operation takes timeoutMs at the most", async () => {
  const { clock, client, cache } = await make({ timeoutMs: 7 });
  client.answer = () => undefined;
  let answered = false;
  const reading = cache.get("a").then(() => answered = true);
  await clock.advance(6);
  assert.equal(answered, false);
  await clock.advance(1);
  await reading;
  assert.equal(cache.stats.timeouts, 1);
  await cache.close();
  assert.equal(clock.pending, 0);
});

Deno.test("operations share a timer, and each has its full time", async () => {
  const { clock, client, cache } = await make({ failureThreshold: 100 });
  const timers = clock.pending;
  client.answer = () => undefined;
  const ends: number[] = [];
  const read = () => cache.get("a").then(() => ends.push(clock.now()));
  const early = [read(), read(), read()];
  await clock.advance(2);
  const late = read();
  await clock.advance(0);
  assert.equal(clock.pending, timers + 1);
  await clock.advance(20);
  await Promise.all([...early, late]);
  assert.deepEqual(ends, [6, 6, 6, 8]);
  await cache.close();
});

Deno.test("reads of the same moment share a command", async () => {
  const { client, cache } = await make();
  client.commands.length = 0;
  client.answer = (command) => command === "GET" ? "1" : ["1", null];
  assert.deepEqual(
    await Promise.all([cache.get("a"), cache.get("b")]),
    [1, undefined],
  );
  assert.equal(await cache.get("a"), 1);
  assert.deepEqual(client.commands, ["MGET", "GET"]);
  await cache.close();
});

Deno.test("the circuit opens after failures in a row only", async () => {
  const { clock, client, log, cache } = await make({ failureThreshold: 3 });
  for (let round = 0; round < 5; round++) {
    client.answer = () => undefined;
    const slow = [cache.ping(), cache.ping()];
    await clock.advance(5);
    await Promise.all(slow);
    client.answer = () => "1";
    assert.equal(await cache.get("c"), 1);
  }
  assert.equal(cache.stats.state, "closed");
  client.answer = () => undefined;
  const slow = [cache.ping(), cache.ping(), cache.ping()];
  await clock.advance(5);
  await Promise.all(slow);
  assert.equal(cache.stats.state, "open");
  assert.deepEqual(log, [
    'cache "redis": Redis is not used for now: it gave no answer within 5 ms',
  ]);
  await cache.close();
});

Deno.test("an open circuit sends nothing but one probe at a time", async () => {
  const { clock, client, log, cache } = await make({
    failureThreshold: 1,
    probeMs: 100,
    connectTimeoutMs: 1_000,
  });
  client.answer = () => undefined;
  const slow = cache.get("a");
  await clock.advance(5);
  await slow;
  client.commands.length = 0;
  for (let i = 0; i < 100; i++) assert.equal(await cache.get("a"), undefined);
  assert.deepEqual(client.commands, []);
  await clock.advance(100);
  assert.deepEqual(client.commands, ["PING"]);
  await clock.advance(900);
  assert.deepEqual(client.commands, ["PING"], "the first isn't answered yet");
  await clock.advance(200);
  assert.deepEqual(client.commands, ["PING", "PING"]);
  client.answer = () => "1";
  await clock.advance(1_100);
  assert.equal(cache.stats.state, "closed");
  assert.equal(await cache.get("a"), 1);
  assert.deepEqual(log.slice(1), ['cache "redis": Redis is used again']);
  assert.equal(cache.stats.skipped, 100);
  await cache.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a probe that is answered late leaves the circuit open", async () => {
  const { clock, client, log, cache } = await make({ failureThreshold: 1 });
  client.answer = () => new Error("gone");
  await cache.get("a");
  assert.equal(cache.stats.state, "open");
  client.command = () =>
    new Promise((resolve) => clock.setTimeout(() => resolve("PONG"), 6));
  await clock.advance(2_000);
  assert.equal(cache.stats.state, "open");
  assert.equal(log.length, 1);
  await cache.close();
});

Deno.test("what a change couldn't tell is told before Redis is used again", async () => {
  const { clock, client, cache } = await make({ failureThreshold: 1 });
  client.answer = () => undefined;
  const writes = [cache.set("a", 1), cache.delete("b")];
  await clock.advance(5);
  await Promise.all(writes);
  assert.equal(cache.stats.pendingChanges, 2);
  client.answer = (command) => command === "EVAL" ? undefined : "1";
  await clock.advance(1_000);
  assert.equal(cache.stats.state, "open", "the changes aren't confirmed");
  client.answer = () => "1";
  await clock.advance(5_000);
  assert.equal(cache.stats.state, "closed");
  assert.equal(cache.stats.pendingChanges, 0);
  await cache.close();
});

Deno.test("changes beyond what can be remembered are counted", async () => {
  const { clock, client, cache } = await make({ failureThreshold: 1 });
  client.answer = () => new Error("gone");
  for (let i = 0; i < 10_005; i++) await cache.delete(`${i}`);
  assert.equal(cache.stats.pendingChanges, 10_000);
  assert.equal(cache.stats.lostChanges, 5);
  await cache.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a client that throws at once is a miss too", async () => {
  const { client, cache } = await make();
  client.command = () => {
    throw new Error("at once");
  };
  assert.equal(await cache.get("a"), undefined);
  assert.equal(cache.stats.errors, 1);
  await cache.close();
});

Deno.test("TieredCache refuses a client that can't listen beside", () => {
  const clock = new FakeClock();
  assert.throws(
    () => new TieredCache({ remote: { client: new FakePort(), clock } }),
    /client can't open a second connection/,
  );
  assert.equal(clock.pending, 0);
});

Deno.test("one that has the keys elsewhere is degraded, however well it answers", async () => {
  const { client, log, cache } = await make();
  client.answer = (command) =>
    command === "PING" ? "PONG" : new Error("MOVED 3999 127.0.0.1:6381");
  assert.equal(await cache.get("a"), undefined);
  assert.equal(await cache.set("a", 1), false);
  assert.deepEqual(await cache.checkHealth(), {
    status: "degraded",
    message: "Redis refuses commands: MOVED 3999 127.0.0.1:6381",
  });
  assert.equal(log.length, 1);
  client.answer = (command) =>
    command === "GET" ? new Error("NOPERM no GET") : null;
  await cache.get("a");
  assert.equal(
    (await cache.checkHealth()).status,
    "degraded",
    "GET is refused",
  );
  await cache.get("a");
  client.answer = () => null;
  await cache.get("a");
  assert.equal((await cache.checkHealth()).status, "healthy");
  await cache.close();
});

Deno.test("clients that send commands elsewhere are refused by name", () => {
  const clients: [unknown, RegExp][] = [
    [
      createSentinel({
        name: "main",
        sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }],
      }),
      /a sentinel client of node-redis/,
    ],
  ];
  for (const [client, kind] of clients) {
    assert.throws(() => new RedisCache({ client: client as RedisPort }), kind);
  }
});

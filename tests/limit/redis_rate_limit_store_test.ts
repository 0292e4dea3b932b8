import assert from "node:assert/strict";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { sleep } from "../../src/base/abort.ts";
import { InvalidOptionError, TimeoutError } from "../../src/base/errors.ts";
import { RateLimiter } from "../../src/limit/rate_limiter.ts";
import { RedisRateLimitStore } from "../../src/limit/redis_rate_limit_store.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testRateLimitStore } from "./rate_limiter_cases.ts";
import { ignoreWithoutRedis as ignore, TestRedis } from "../support/redis.ts";

async function openClient(url: string) {
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  return client;
}

testRateLimitStore("redis", async () => {
  const server = await TestRedis.start();
  const client = await openClient(server.url);
  return {
    makeStore: (clock) =>
      new RedisRateLimitStore((command) => client.sendCommand(command), {
        timeoutMs: 10_000,
        whenDown: "throw",
        useServerTime: false,
        clock,
        wallClock: () => clock.now(),
      }),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}, { ignore, numRuns: 40 });

Deno.test("processes that share a Redis share one limit", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  for (const algorithm of ["token-bucket", "sliding-window"] as const) {
    const options = { timeoutMs: 10_000, whenDown: "throw" } as const;
    const { url } = server;
    await using one = await RedisRateLimitStore.connect(url, options);
    await using other = await RedisRateLimitStore.connect(url, options);
    const limiters = [one, other].map((store) =>
      new RateLimiter({
        limit: 50,
        intervalMs: 3_600_000,
        algorithm,
        store,
        name: algorithm,
      })
    );
    const decisions = await Promise.all(
      Array.from({ length: 200 }, (_, call) => limiters[call % 2].take("a")),
    );
    assert.equal(one.stats.failures + other.stats.failures, 0);
    assert.equal(decisions.filter(({ allowed }) => allowed).length, 50);
  }
});

Deno.test("clients that are handed in share one limit, and stay open", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  const node = await openClient(server.url);
  const io = new IoRedis(server.url);
  let allowed = 0;
  for (const client of [node, io]) {
    const options = { timeoutMs: 10_000, whenDown: "throw" } as const;
    await using store = new RedisRateLimitStore(client, options);
    const limiter = new RateLimiter({ limit: 3, intervalMs: 600_000, store });
    for (let call = 0; call < 2; call++) {
      if ((await limiter.take("a")).allowed) allowed++;
    }
  }
  assert.equal(allowed, 3);
  assert.equal(await node.ping(), "PONG");
  assert.equal(await io.ping(), "PONG");
  node.destroy();
  io.disconnect();
});

Deno.test("without Redis's own time, processes agree by the wall clock", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  const client = await openClient(server.url);
  /** A process whose monotonic clock has run for so long. */
  const openProcess = async (upForMs: number) => {
    const clock = new FakeClock();
    await clock.advance(upForMs);
    const store = new RedisRateLimitStore(
      (command) => client.sendCommand(command),
      { useServerTime: false, timeoutMs: 10_000, whenDown: "throw", clock },
    );
    return new RateLimiter({ limit: 2, intervalMs: 3_600_000, store });
  };
  const old = await openProcess(86_400_000);
  const young = await openProcess(0);
  assert.equal((await young.take("a", { cost: 2 })).allowed, true);
  const { allowed, retryAfterMs } = await old.take("a");
  assert.equal(allowed, false);
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 1_800_000, `${retryAfterMs}`);
  client.destroy();
});

Deno.test("connecting to a Redis that says nothing waits by the clock", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clock = new FakeClock();
  const accepted = listener.accept();
  let isOpen = false;
  const opening = RedisRateLimitStore.connect(
    `redis://127.0.0.1:${listener.addr.port}`,
    { clock },
  ).then((store) => {
    isOpen = true;
    return store;
  });
  using _connection = await accepted;
  await clock.advance(999);
  assert.equal(isOpen, false);
  await clock.advance(1);
  assert.equal(isOpen, true);
  await (await opening).close();
});

Deno.test("keys leave Redis as soon as they no longer count", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  const client = await openClient(server.url);
  const send = (command: string[]) => client.sendCommand(command);
  for (const algorithm of ["token-bucket", "sliding-window"] as const) {
    await using store = new RedisRateLimitStore(send, { timeoutMs: 10_000 });
    const limiter = new RateLimiter({
      limit: 4,
      intervalMs: 400_000,
      algorithm,
      store,
      name: algorithm,
    });
    await limiter.take("a");
    const ttlMs = await client.pTTL(`sluice:rate:${algorithm}:a`);
    const longestMs = algorithm === "token-bucket" ? 100_000 : 400_000;
    assert.ok(ttlMs > 0 && ttlMs <= longestMs, `${ttlMs}`);
  }
  client.destroy();
});

Deno.test("a Redis that forgot its scripts is told them again", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  const client = await openClient(server.url);
  await using store = new RedisRateLimitStore(
    (command) => client.sendCommand(command),
    { timeoutMs: 10_000, whenDown: "throw" },
  );
  const limiter = new RateLimiter({ limit: 9, intervalMs: 60_000, store });
  assert.equal((await limiter.take("a")).remaining, 8);
  await client.sendCommand(["SCRIPT", "FLUSH"]);
  assert.equal((await limiter.take("a")).remaining, 7);
  client.destroy();
});

Deno.test("without Redis each process limits on its own, until it is back", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  const changes: string[] = [];
  await using store = await RedisRateLimitStore.connect(server.url, {
    retryAfterMs: 10,
    timeoutMs: 1_000,
    onStateChange: (error) => changes.push(error === undefined ? "up" : "down"),
  });
  const limiter = new RateLimiter({ limit: 2, intervalMs: 3_600_000, store });
  assert.equal((await limiter.take("a")).remaining, 1);
  await server.kill();
  const alone = [];
  for (let call = 0; call < 3; call++) {
    alone.push((await limiter.take("a")).allowed);
  }
  assert.deepEqual(alone, [true, true, false]);
  assert.deepEqual(changes, ["down"]);
  await server.restart();
  await eventually(async () => {
    await limiter.take("b");
    return changes.length === 2;
  });
  assert.deepEqual(changes, ["down", "up"]);
  assert.ok(store.stats.localDecisions >= 3);
});

Deno.test("a Redis that never answers costs one time-out, then nothing", async () => {
  const clock = new FakeClock();
  let commands = 0;
  const asked = Promise.withResolvers<void>();
  const store = new RedisRateLimitStore(() => {
    commands++;
    asked.resolve();
    return new Promise(() => {});
  }, { clock, timeoutMs: 50, retryAfterMs: 1_000 });
  const limiter = new RateLimiter({
    limit: 2,
    intervalMs: 60_000,
    store,
    clock,
  });
  const first = limiter.take("a");
  await asked.promise;
  await clock.advance(50);
  assert.equal((await first).allowed, true);
  assert.equal((await limiter.take("a")).allowed, true);
  assert.equal((await limiter.take("a")).allowed, false);
  assert.equal(commands, 1);
  assert.deepEqual(store.stats, {
    name: "redis_rate_limit_store",
    down: true,
    failures: 1,
    outages: 1,
    localDecisions: 3,
  });
  await clock.advance(1_000);
  const probe = limiter.take("a");
  await clock.advance(50);
  await probe;
  assert.equal(commands, 2);
});

Deno.test("with a share, processes on their own don't multiply a limit", async () => {
  const clock = new FakeClock();
  for (const algorithm of ["token-bucket", "sliding-window"] as const) {
    const limiters = Array.from({ length: 3 }, () => {
      const store = new RedisRateLimitStore(
        () => Promise.reject(new Error("away")),
        { clock, localShare: 1 / 3, log: () => {} },
      );
      return new RateLimiter({
        limit: 10,
        intervalMs: 60_000,
        algorithm,
        store,
        clock,
      });
    });
    let allowed = 0;
    for (let call = 0; call < 60; call++) {
      if ((await limiters[call % 3].take("a")).allowed) allowed++;
    }
    assert.equal(allowed, 9, algorithm);
    const [limiter] = limiters;
    for (const key of ["a", "b"]) {
      const costly = await limiter.take(key, { cost: 4 });
      assert.equal(costly.allowed, false, "more than its share ever holds");
      assert.equal(costly.retryAfterMs, 1_000, "Redis may be back by then");
    }
    assert.equal((await limiter.take("c", { cost: 3 })).allowed, true);
  }
});

Deno.test("a share leaves at least one unit", async () => {
  const store = new RedisRateLimitStore(
    () => Promise.reject(new Error("away")),
    { localShare: 0.01, log: () => {}, clock: new FakeClock() },
  );
  const limiter = new RateLimiter({ limit: 5, intervalMs: 60_000, store });
  assert.equal((await limiter.take("a")).allowed, true);
  assert.equal((await limiter.take("a")).allowed, false);
});

Deno.test("a hiccup is over as soon as the answer comes; a slow Redis is left alone", async () => {
  const clock = new FakeClock();
  let answerMs = 70;
  let commands = 0;
  const send = () => {
    commands++;
    return new Promise((resolve) =>
      clock.setTimeout(() => resolve([1, 7, 0, 0]), answerMs)
    );
  };
  const store = new RedisRateLimitStore(send, { clock, log: () => {} });
  const limiter = new RateLimiter({ limit: 9, intervalMs: 60_000, store });
  const take = async () => {
    const taking = limiter.take("a");
    await sleep(1);
    await clock.advance(100);
    return (await taking).remaining;
  };
  await take();
  assert.equal(store.stats.down, false);
  answerMs = 10;
  assert.equal(await take(), 7, "Redis is asked again");
  answerMs = 70;
  for (let late = 0; late < 4; late++) await take();
  assert.equal(store.stats.down, true);
  const before = commands;
  await take();
  assert.equal(commands, before);
  assert.equal(store.stats.localDecisions, 6);
});

Deno.test("a connection is warm before its first decision counts", {
  ignore,
}, async () => {
  await using server = await TestRedis.start();
  await using store = await RedisRateLimitStore.connect(server.url);
  await server.command("CONFIG", "RESETSTAT");
  const limiter = new RateLimiter({ limit: 5, intervalMs: 60_000, store });
  await limiter.take("a");
  const commands = await server.command("INFO", "commandstats");
  assert.match(commands, /cmdstat_evalsha:calls=1/);
  assert.doesNotMatch(commands, /cmdstat_eval:/);
});

Deno.test("an answer that waits behind a busy event loop is in time", async () => {
  const replied = Promise.withResolvers<unknown>();
  const store = new RedisRateLimitStore(() => replied.promise, {
    timeoutMs: 20,
    whenDown: "throw",
  });
  const limiter = new RateLimiter({ limit: 5, intervalMs: 60_000, store });
  const taking = limiter.take("a");
  await sleep(5);
  setTimeout(() => replied.resolve([1, 4, 0, 12_000]), 15);
  const busyUntil = performance.now() + 60;
  while (performance.now() < busyUntil);
  assert.equal((await taking).remaining, 4);
  await store.close();
});

Deno.test('whenDown: "throw" passes the failure on', async () => {
  const clock = new FakeClock();
  await using broken = new RedisRateLimitStore(
    () => Promise.reject(new Error("refused")),
    { whenDown: "throw" },
  );
  const asked = Promise.withResolvers<void>();
  await using silent = new RedisRateLimitStore(() => {
    asked.resolve();
    return new Promise(() => {});
  }, { whenDown: "throw", clock });
  const rule = { limit: 1, intervalMs: 1_000 };
  await assert.rejects(
    new RateLimiter({ ...rule, store: broken }).take("a"),
    /refused/,
  );
  const late = assert.rejects(
    new RateLimiter({ ...rule, store: silent }).take("a"),
    TimeoutError,
  );
  await asked.promise;
  await clock.advance(50);
  await late;
});

Deno.test("options that make no sense are refused", () => {
  const send = () => Promise.resolve([]);
  for (
    const options of [
      { timeoutMs: 0 },
      { timeoutMs: NaN },
      { retryAfterMs: -1 },
      { whenDown: "ignore" as never },
      { driver: "pg" as never },
      { localShare: 0 },
      { localShare: 1.5 },
      { localShare: NaN },
    ]
  ) {
    assert.throws(
      () => new RedisRateLimitStore(send, options),
      InvalidOptionError,
    );
  }
});

Deno.test("a URL of another kind is refused, and no password shown", async () => {
  const refused: [url: unknown, got: string][] = [
    [undefined, "undefined"],
    ["", '""'],
    ["localhost", "something else"],
    [{ url: "localhost" }, "an object"],
    ["http://a:secret@b", '"http:"'],
  ];
  for (const [url, got] of refused) {
    await assert.rejects(RedisRateLimitStore.connect(url as string), {
      name: "InvalidOptionError",
      message: `url must begin with redis:// or rediss://, got ${got}`,
    });
  }
});

Deno.test("the log says once that limits aren't shared, and once that they are", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  let isUp = false;
  const send = () =>
    isUp ? Promise.resolve([1, 1, 0, 0]) : Promise.reject(new Error("refused"));
  const options = {
    clock,
    retryAfterMs: 10,
    log: (line: string) => lines.push(line),
  };
  const rule = { limit: 9, intervalMs: 1_000, clock };
  const local = new RateLimiter({
    ...rule,
    store: new RedisRateLimitStore(send, { ...options, name: "calls" }),
  });
  const strict = new RateLimiter({
    ...rule,
    store: new RedisRateLimitStore(send, { ...options, whenDown: "throw" }),
  });
  for (isUp of [false, false, true, true]) {
    await local.take("a");
    await strict.take("a").catch(() => {});
    await clock.advance(10);
  }
  assert.deepEqual(lines, [
    "calls: limits are not shared for now, Redis is away: refused",
    "calls: limits are shared through Redis again",
  ]);
});

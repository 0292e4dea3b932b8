import assert from "node:assert/strict";
import {
  HttpPool,
  McpServer,
  type McpServerOptions,
  Pool,
  PostgresPool,
  RedisCache,
  type RunningServer,
  type ServeOptions,
  TieredCache,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { PostgresServer, skipsPostgres } from "../support/postgres.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";

const info = { name: "test", version: "1.0.0" };

function listening(
  options: McpServerOptions,
  serve: ServeOptions = {},
): { server: McpServer; running: Promise<RunningServer> } {
  const server = new McpServer(info, {
    log: () => {},
    health: { cacheMs: 0, timeoutMs: 1_000 },
    ...options,
  });
  const running = server.serve({
    port: 0,
    signals: false,
    onListen() {},
    ...serve,
  });
  return { server, running };
}

async function probe(
  { url }: RunningServer,
  path = "/health/detailed",
): Promise<{ code: number; status: string; checks: Record<string, string> }> {
  const response = await fetch(new URL(path, url));
  const { status, checks = {} } = await response.json();
  return {
    code: response.status,
    status,
    checks: Object.fromEntries(
      Object.entries<{ status: string }>(checks).map((
        [name, { status }],
      ) => [name, status]),
    ),
  };
}

Deno.test({
  name:
    "a Redis that is killed, hangs and comes back: degraded, and healthy again",
  ignore: ignoreWithoutRedis,
  async fn() {
    await using redis = await TestRedis.start();
    const quick = {
      url: redis.url,
      prefix: "health",
      timeoutMs: 100,
      probeMs: 50,
      failureThreshold: 1,
      log: () => {},
    };
    const { server, running } = listening({
      lifespan: async (stack) => ({
        cache: stack.use(await RedisCache.connect(quick)),
        tiered: stack.use(await TieredCache.connect({ remote: quick })),
      }),
    });
    await using _server = server;
    const at = await running;
    const becomes = (cache: string, status: string) =>
      eventually(async () => {
        const found = await probe(at);
        assert.equal(found.code, 200);
        return found.checks.cache === cache && found.checks.tiered === cache &&
          found.status === status;
      });
    await becomes("healthy", "healthy");
    await redis.kill();
    await becomes("unhealthy", "degraded");
    assert.equal((await probe(at, "/health/ready")).code, 200);
    await redis.restart();
    await becomes("healthy", "healthy");
    redis.pause();
    await becomes("unhealthy", "degraded");
    redis.resume();
    await becomes("healthy", "healthy");
  },
});

Deno.test({
  name: "a Redis that is later than a cache waits is slow, but not dead",
  ignore: ignoreWithoutRedis,
  async fn() {
    await using redis = await TestRedis.start();
    await using cache = await RedisCache.connect({
      url: redis.url,
      timeoutMs: 5,
      failureThreshold: 1_000,
      log: () => {},
    });
    redis.pause();
    const checked = cache.checkHealth();
    await new Promise((resolve) => setTimeout(resolve, 50));
    redis.resume();
    assert.deepEqual(await checked, { status: "healthy" });
    assert.equal(cache.stats.timeouts, 0);
  },
});

Deno.test({
  name:
    "a PostgreSQL that is killed and comes back: unhealthy, and healthy again",
  ignore: skipsPostgres,
  async fn() {
    await using postgres = await PostgresServer.start();
    const { server, running } = listening({
      lifespan: async (stack) => ({
        db: stack.use(
          await PostgresPool.connect(postgres.url, {
            max: 2,
            maxBackoffMs: 200,
            log: { warn() {} },
          }),
        ),
      }),
    });
    await using _server = server;
    const at = await running;
    assert.equal((await probe(at)).checks.db, "healthy");
    await postgres.kill();
    const dead = await probe(at);
    assert.deepEqual([dead.code, dead.status, dead.checks.db], [
      503,
      "unhealthy",
      "unhealthy",
    ]);
    assert.equal((await probe(at, "/health/ready")).code, 200);
    await postgres.start();
    await eventually(async () => (await probe(at)).status === "healthy");
  },
});

Deno.test({
  name: "a PostgreSQL that is busy is degraded, and a closed one unhealthy",
  ignore: skipsPostgres,
  async fn() {
    await using postgres = await PostgresServer.start();
    const db = await PostgresPool.connect(postgres.url, { max: 1 });
    const busy = db.query("SELECT pg_sleep(0.2)");
    const waiting = db.query("SELECT 1");
    const { status, message } = await db.checkHealth();
    assert.equal(status, "degraded");
    assert.equal(message, "all 1 items are in use, and 1 callers wait");
    await Promise.all([busy, waiting]);
    assert.equal((await db.checkHealth()).status, "healthy");
    await db.close();
    assert.equal((await db.checkHealth()).status, "unhealthy");
  },
});

Deno.test("a pool that can't make anything is unhealthy until it can", async () => {
  let works = false;
  await using pool = new Pool({
    create: () => {
      if (!works) throw new Error("no such thing");
      return {};
    },
    backoffMs: 1,
    log: { warn() {} },
  });
  assert.equal((await pool.checkHealth()).status, "healthy");
  await assert.rejects(pool.acquire(), /no such thing/);
  await assert.rejects(pool.checkHealth(), /no such thing/);
  works = true;
  assert.equal((await pool.checkHealth()).status, "healthy");
  await pool.drain();
  assert.equal((await pool.checkHealth()).status, "unhealthy");
});

Deno.test("an HTTP pool names the origins that it leaves alone", async () => {
  await using broken = Deno.serve(
    { port: 0, onListen() {} },
    () => new Response(null, { status: 500 }),
  );
  const origin = `http://127.0.0.1:${broken.addr.port}`;
  const http = new HttpPool({
    maxRetries: 0,
    circuit: { failures: 2, openMs: 60_000 },
  });
  assert.equal(http.checkHealth().status, "healthy");
  for (let calls = 0; calls < 2; calls++) {
    await (await http.fetch(origin)).body?.cancel();
  }
  assert.deepEqual(http.checkHealth(), {
    status: "degraded",
    message: `1 origins failed lately: ${origin}`,
  });
  await http.close();
  assert.equal(http.checkHealth().status, "unhealthy");
});

Deno.test("a check that hangs for ever holds up no probe for longer than its time, and runs once", async () => {
  let started = 0;
  const { server, running } = listening({
    health: { cacheMs: 0, timeoutMs: 100 },
  });
  await using _server = server;
  server.health.add("hangs", () => {
    started++;
    return new Promise(() => {});
  });
  const at = await running;
  const begunAt = performance.now();
  for (let probes = 0; probes < 20; probes++) {
    assert.equal((await probe(at)).code, 503);
  }
  assert.ok(performance.now() - begunAt < 1_500);
  assert.equal(started, 1);
});

Deno.test("10,000 probes leave nothing behind", async () => {
  let checked = 0;
  const { server, running } = listening({ health: {} });
  await using _server = server;
  server.health.add("counted", () => void checked++);
  const at = await running;
  const paths = ["/health", "/health/ready", "/health/detailed"];
  const begunAt = performance.now();
  await Promise.all(Array.from({ length: 10 }, async (_, worker) => {
    for (let probes = 0; probes < 1_000; probes++) {
      const path = paths[(worker + probes) % paths.length];
      const response = await fetch(new URL(path, at.url));
      await response.arrayBuffer();
      assert.equal(response.status, 200);
      assert.equal(response.headers.has("mcp-session-id"), false);
      assert.equal(response.headers.has("set-cookie"), false);
    }
  }));
  const seconds = (performance.now() - begunAt) / 1_000;
  assert.ok(checked <= seconds + 1, `${checked} checks in ${seconds} s`);
  const { inFlight, sessions, subscriptions, tasks } = server.stats;
  assert.deepEqual({ inFlight, sessions, subscriptions, tasks }, {
    inFlight: 0,
    sessions: 0,
    subscriptions: 0,
    tasks: 0,
  });
});

Deno.test("while it drains it says so, and serves", async () => {
  const { server, running } = listening({}, { drainMs: 300 });
  server.registerTool("echo", {}, () => "hi");
  const at = await running;
  assert.equal((await probe(at, "/health/ready")).code, 200);
  const begunAt = performance.now();
  const over = at.shutdown();
  const { code, status } = await probe(at, "/health/ready");
  assert.deepEqual([code, status], [503, "draining"]);
  assert.equal((await probe(at, "/health")).code, 200);
  const { content } = await server.call("tools/call", { name: "echo" });
  assert.deepEqual(content, [{ type: "text", text: "hi" }]);
  await over;
  const tookMs = performance.now() - begunAt;
  assert.ok(tookMs >= 295, `${tookMs}`);
  await assert.rejects(fetch(at.url));
});

Deno.test("a drain that is no time is refused", async () => {
  const { server, running } = listening({}, { drainMs: -1 });
  await assert.rejects(running, /drainMs must be .* got -1/);
  await server.close();
});

Deno.test("a shutdown waits for no health check", async () => {
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    log: () => {},
  });
  server.health.add("hangs", () => new Promise(() => {}), {
    timeoutMs: 60_000,
  });
  const { url } = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const probe = fetch(new URL("/health/detailed", url));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const begun = performance.now();
  await server.close();
  assert.ok(performance.now() - begun < 3_000);
  const response = await probe;
  assert.equal(response.status, 503);
  await response.body?.cancel();
});

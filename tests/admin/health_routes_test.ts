import assert from "node:assert/strict";
import { HealthRoutes } from "../../src/admin/health_routes.ts";
import { makeParts } from "../../src/host/make_parts.ts";
import { resolveOptions } from "../../src/host/resolved_options.ts";
import {
  InvalidOptionError,
  type LogRecord,
  McpServer,
  Pool,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { eventually } from "../support/eventually.ts";

const info = { name: "test", version: "1.2.3" };

async function probe(
  server: McpServer,
  path: string,
  method = "GET",
): Promise<
  // deno-lint-ignore no-explicit-any -- whatever the server answers
  { status: number; body: any; headers: Headers }
> {
  const response = await server.fetch(
    new Request(`http://localhost${path}`, { method }),
  );
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

Deno.test("/health is alive, with a time and a version", async () => {
  await using server = new McpServer(info);
  const { status, body, headers } = await probe(server, "/health");
  assert.equal(status, 200);
  assert.equal(body.status, "healthy");
  assert.equal(body.version, "1.2.3");
  assert.equal(new Date(body.timestamp).toISOString(), body.timestamp);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("content-type"), "application/json");
});

Deno.test("probes are read, not written to", async () => {
  await using server = new McpServer(info);
  for (const path of ["/health", "/health/ready", "/health/detailed"]) {
    const head = await probe(server, path, "HEAD");
    assert.deepEqual([head.status, head.body], [200, undefined]);
    assert.equal(head.headers.get("cache-control"), "no-store");
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const { status, headers } = await probe(server, path, method);
      assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
    }
  }
  assert.equal((await probe(server, "/health/else")).status, 404);
});

Deno.test("asking whether it is ready opens the lifespan", async () => {
  const gate = Promise.withResolvers<void>();
  let opened = 0;
  const server = new McpServer(info, {
    log: () => {},
    lifespan: async () => {
      opened++;
      await gate.promise;
    },
  });
  for (let i = 0; i < 3; i++) {
    const { status, body } = await probe(server, "/health/ready");
    assert.deepEqual([status, body.status], [503, "starting"]);
  }
  assert.equal((await probe(server, "/health")).status, 200);
  const { body } = await probe(server, "/health/detailed");
  assert.equal(body.status, "degraded");
  assert.equal(body.checks.lifespan.status, "degraded");
  gate.resolve();
  await eventually(async () =>
    (await probe(server, "/health/ready")).status === 200
  );
  assert.equal(opened, 1);
  await server.close();
  const after = await probe(server, "/health/ready");
  assert.deepEqual([after.status, after.body.status], [503, "draining"]);
});

Deno.test("a lifespan that doesn't open is tried again, not at every probe", async () => {
  const clock = new FakeClock();
  const log: LogRecord[] = [];
  let tries = 0;
  const server = new McpServer(info, {
    clock,
    log: (record) => log.push(record),
    lifespan: () => {
      if (++tries < 3) throw new Error("no database");
    },
  });
  const ready = async () => (await probe(server, "/health/ready")).body.status;
  assert.equal(await ready(), "starting");
  await clock.advance(0);
  for (let i = 0; i < 50; i++) assert.equal(await ready(), "failed");
  assert.equal(tries, 1);
  const { status, body } = await probe(server, "/health/detailed");
  assert.equal(status, 503);
  assert.equal(body.checks.lifespan.status, "unhealthy");
  await clock.advance(1_000);
  assert.equal(await ready(), "failed");
  await clock.advance(1_000);
  assert.equal(tries, 2);
  assert.equal(await ready(), "failed");
  await clock.advance(0);
  assert.equal(await ready(), "ready");
  assert.equal(tries, 3);
  const failures = log.filter(({ message }) =>
    /opening the lifespan/.test(message)
  );
  assert.equal(failures.length, 2);
  await server.close();
});

Deno.test("dependencies take a server out of service only if it is asked for", async () => {
  for (const readiness of ["lifespan", "checks"] as const) {
    await using server = new McpServer(info, {
      log: () => {},
      health: { readiness, cacheMs: 0 },
    });
    let db = true;
    server.health.add("db", () => db);
    server.health.add("cache", () => false, { critical: false });
    assert.equal((await probe(server, "/health/ready")).status, 200);
    db = false;
    const { status, body } = await probe(server, "/health/ready");
    assert.deepEqual(
      [status, body.status],
      readiness === "lifespan" ? [200, "ready"] : [503, "unhealthy"],
    );
    assert.equal((await probe(server, "/health/detailed")).status, 503);
    assert.equal((await probe(server, "/health")).status, 200);
  }
  assert.throws(
    () => new McpServer(info, { health: { readiness: "both" as never } }),
    (error) =>
      error instanceof InvalidOptionError && /got "both"/.test(error.message),
  );
});

Deno.test("messages are for operators", async () => {
  const parts = makeParts(info, resolveOptions({ log: () => {} }));
  const routes = new HealthRoutes(parts);
  parts.health.add("db", () => {
    throw new Error("db-7.internal refused");
  });
  const request = new Request("http://localhost/health/detailed");
  const text = async (mayRead: boolean) =>
    await (await routes.handle(request, "/health/detailed", mayRead)!).text();
  assert.doesNotMatch(await text(false), /internal/);
  assert.match(await text(true), /"message":"db-7.internal refused"/);
  assert.equal(routes.handle(request, "/elsewhere", true), undefined);
  await parts.closing.close();
});

Deno.test("a pool in the lifespan registers its own check, mounted servers' too, until it closes", async () => {
  const make = () =>
    new McpServer(info, {
      log: () => {},
      health: { cacheMs: 0 },
      lifespan: (stack) => ({
        db: stack.use(new Pool({ create: () => ({}) })),
        mine: stack.use(new Pool({ create: () => ({}) })),
      }),
    });
  const server = make();
  server.health.add("mine", () => "degraded");
  server.mount("inner", make());
  const states = async () => {
    const { body } = await probe(server, "/health/detailed");
    return Object.fromEntries(
      Object.entries<{ status: string }>(body.checks).map((
        [name, { status }],
      ) => [name, status]),
    );
  };
  assert.deepEqual(await states(), {
    lifespan: "degraded",
    mine: "degraded",
    inner_lifespan: "degraded",
  });
  await eventually(async () =>
    (await probe(server, "/health/ready")).status === 200
  );
  assert.deepEqual(await states(), {
    lifespan: "healthy",
    db: "healthy",
    mine: "degraded",
    inner_lifespan: "healthy",
    inner_db: "healthy",
    inner_mine: "healthy",
  });
  await server.close();
  assert.deepEqual(Object.keys(await states()), [
    "lifespan",
    "mine",
    "inner_lifespan",
  ]);
});

Deno.test("a lifespan that is itself checkable speaks for itself", async () => {
  await using server = new McpServer(info, {
    health: { cacheMs: 0 },
    lifespan: () => ({ checkHealth: () => "not_configured" as const }),
  });
  await eventually(async () =>
    (await probe(server, "/health/ready")).status === 200
  );
  const { body } = await probe(server, "/health/detailed");
  assert.equal(body.checks.lifespan.status, "not_configured");
});

Deno.test("a check that changes is one line in the log", async () => {
  const log: LogRecord[] = [];
  await using server = new McpServer(info, {
    health: { cacheMs: 0 },
    log: (record) => log.push(record),
  });
  let well = true;
  server.health.add("db", () => {
    if (!well) throw new Error("gone");
  });
  for (well of [true, false, false, true]) await server.health.run();
  assert.deepEqual(log, [
    {
      level: "warning",
      message: "the health check db is unhealthy",
      fields: { check: "db", before: "healthy", reason: "gone" },
    },
    {
      level: "info",
      message: "the health check db is healthy",
      fields: { check: "db", before: "unhealthy" },
    },
  ]);
});

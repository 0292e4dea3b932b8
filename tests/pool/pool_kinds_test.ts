import assert from "node:assert/strict";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { Pool } from "../../src/pool/pool.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import type { PostgresDriver } from "../../src/pool/postgres/postgres_driver.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { figuresOf } from "../support/figures.ts";
import { TestServer } from "./http_server.ts";

Deno.test("operators see what a pool holds and does", async () => {
  const name = "figures of a pool";
  const clock = new FakeClock();
  const pool = new Pool({
    name,
    clock,
    create: () => Promise.resolve({}),
    max: 1,
    maxWaiting: 1,
    acquireTimeoutMs: 100,
  });
  const lease = await pool.acquire();
  const late = assert.rejects(pool.acquire());
  await assert.rejects(pool.acquire(), /waiting/);
  assert.equal(figuresOf("pool", { name })?.waiting, 1);
  await clock.advance(200);
  await late;
  const done = {
    acquired: 1,
    created: 1,
    create_errors: 0,
    destroy_errors: 0,
    invalid: 0,
    rejected: 1,
    timeouts: 1,
    aborted: 0,
    held_too_long: 0,
  };
  assert.deepEqual(figuresOf("pool", { name }), {
    min: 0,
    max: 1,
    size: 1,
    idle: 0,
    in_use: 1,
    creating: 0,
    waiting: 0,
    ...done,
    destroyed: 0,
    discarded: 0,
  });
  lease.discard();
  await pool.close();
  assert.deepEqual(figuresOf("pool", { name }), {
    ...done,
    destroyed: 1,
    discarded: 1,
  });
});

Deno.test("a pool that is drained is gone as well", async () => {
  const name = "figures of a drained pool";
  const pool = new Pool({ name, create: () => ({}) });
  await pool.use(() => {});
  await pool.drain();
  const figures = figuresOf("pool", { name })!;
  assert.equal(figures.destroyed, 1);
  assert.equal("size" in figures, false);
});

Deno.test("a PostgresPool shows its statements beside its connections", async () => {
  const name = "figures of a database";
  const db = await PostgresPool.connect("memory://", { name });
  await db.query("SELECT 1");
  await assert.rejects(db.query("SELECT nonsense"));
  await db.transaction((transaction) => transaction.query("SELECT 2"));
  const labels = { name };
  const pool = figuresOf("pool", labels)!;
  assert.equal(pool.idle, 1);
  assert.equal(pool.created, 1);
  const figures = figuresOf("postgres", labels)!;
  assert.deepEqual(figures, {
    commands: db.stats.commands,
    command_errors: 1,
    command_timeouts: 0,
    command_aborts: 0,
    transactions: 1,
    transaction_retries: 0,
  });
  assert.ok(figures.commands! >= 3);
  await db.close();
  assert.deepEqual(figuresOf("postgres", labels), figures);
  assert.equal("idle" in figuresOf("pool", labels)!, false);
});

Deno.test("a PostgresPool that can't connect leaves no gauge", async () => {
  const name = "figures of no database";
  const driver: PostgresDriver = {
    name: "down",
    maxConnections: 1,
    connect: () => Promise.reject(new Error("down")),
    close: () => Promise.resolve(),
  };
  await assert.rejects(
    PostgresPool.connect("postgres://nowhere", { name, driver }),
    /down/,
  );
  const figures = figuresOf("pool", { name })!;
  assert.equal(figures.create_errors, 1);
  assert.equal("size" in figures, false);
});

Deno.test("operators see what an HttpPool does, in all and by origin", async () => {
  const name = "figures of an HTTP pool";
  await using sick = new TestServer(() => new Response("", { status: 500 }));
  const release = Promise.withResolvers<void>();
  await using well = new TestServer(async () => {
    await release.promise;
    return new Response("ok");
  });
  const http = new HttpPool({
    name,
    maxRetries: 0,
    maxPerOrigin: 1,
    circuit: { failures: 2, openMs: 60_000 },
  });
  const first = http.getText(well.origin);
  const second = http.getText(well.origin);
  const { origin } = well;
  while (figuresOf("http_origin", { name, origin })?.waiting !== 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(figuresOf("http_pool", { name })?.waiting, 1);
  release.resolve();
  await Promise.all([first, second]);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(http.getText(sick.origin));
  }
  await http.drain();
  const idle = { active: 0, waiting: 0 };
  const done = { calls: 5, requests: 4, retries: 0, redirects: 0, failures: 3 };
  assert.deepEqual(figuresOf("http_pool", { name }), { ...idle, ...done });
  const atWell = { requests: 2, failures: 0 };
  const atSick = { requests: 2, failures: 2 };
  const ofWell = { name, origin: well.origin };
  const ofSick = { name, origin: sick.origin };
  assert.deepEqual(figuresOf("http_origin", ofWell), { ...idle, ...atWell });
  assert.deepEqual(figuresOf("http_origin", ofSick), { ...idle, ...atSick });
  assert.deepEqual(figuresOf("circuit", ofSick), {
    open: 1,
    half_open: 0,
    opened: 1,
    refused: 1,
  });
  assert.equal(figuresOf("circuit", ofWell)?.open, 0);
  assert.equal(
    figuresOf("semaphore", { name }) ??
      figuresOf("semaphore", { name: sick.origin }),
    undefined,
    "what bounds it is not shown beside it",
  );
  await http.close();
  assert.deepEqual(figuresOf("http_pool", { name }), done);
  assert.deepEqual(figuresOf("http_origin", ofSick), atSick);
  assert.deepEqual(figuresOf("circuit", ofSick), { opened: 1, refused: 1 });
});

Deno.test("without a circuit an HttpPool's origins show none", async () => {
  const name = "figures without a circuit";
  await using server = new TestServer(() => new Response("ok"));
  await using http = new HttpPool({ name, circuit: false });
  await http.getText(server.origin);
  const labels = { name, origin: server.origin };
  assert.equal(figuresOf("http_origin", labels)?.requests, 1);
  assert.equal(figuresOf("circuit", labels), undefined);
});

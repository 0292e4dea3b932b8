import assert from "node:assert/strict";
import { sleep } from "../../src/base/abort.ts";
import { InvalidOptionError } from "../../src/base/errors.ts";
import {
  PostgresConnectionError,
  PostgresError,
} from "../../src/pool/postgres/postgres_errors.ts";
import type { PostgresOptions } from "../../src/pool/postgres/postgres_options.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import { CommitUnknownError } from "../../src/pool/postgres/postgres_transaction.ts";
import { PostgresServer, skipsPostgres } from "../support/postgres.ts";
import { StalledWay } from "../support/stalled_way.ts";

const silent: PostgresOptions = {
  log: { warn: () => {} },
  backoffMs: 10,
  maxBackoffMs: 50,
};

let shared: PostgresServer | undefined;

Deno.test.beforeAll(async () => {
  if (!skipsPostgres) shared = await PostgresServer.start();
});
Deno.test.afterAll(() => shared?.[Symbol.asyncDispose]());

/** A test with a database of its own. */
function test(name: string, fn: (server: { url: string }) => Promise<void>) {
  Deno.test({
    name,
    ignore: skipsPostgres,
    fn: async () => fn({ url: await newDatabase(shared!.url) }),
  });
}

let databases = 0;

async function newDatabase(url: string): Promise<string> {
  const name = `test_${++databases}`;
  await using admin = await PostgresPool.connect(url, { max: 1 });
  await admin.script(`CREATE DATABASE ${name}`);
  return new URL(`/${name}`, url).href;
}

/** A test with a server of its own, to be stopped and started. */
function testServer(
  name: string,
  fn: (server: PostgresServer) => Promise<void>,
) {
  Deno.test({
    name,
    ignore: skipsPostgres,
    fn: async () => {
      await using server = await PostgresServer.start();
      await fn(server);
    },
  });
}

testServer(
  "a restarted server fails what was running, clearly, and nothing after",
  async (server) => {
    await using db = await PostgresPool.connect(server.url, {
      ...silent,
      min: 2,
      max: 4,
    });
    await db.script("CREATE TABLE t (id int)");
    const running = Array.from(
      { length: 4 },
      () => assert.rejects(db.query("SELECT pg_sleep(30)"), isClearError),
    );
    await until(() => db.stats.commands === 5);
    await server.stop();
    await Promise.all(running);
    await assert.rejects(db.query("SELECT 1"), isClearError);
    await server.start();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => db.queryValue("SELECT $1::int", [i])),
    );
    assert.deepEqual(answers, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(db.stats.inUse, 0);
  },
);

testServer(
  "a server that is killed without a word is survived too",
  async (server) => {
    await using db = await PostgresPool.connect(server.url, {
      ...silent,
      max: 3,
    });
    const transaction = assert.rejects(
      db.transaction((tx) => tx.query("SELECT pg_sleep(30)")),
      isClearError,
    );
    const stream = assert.rejects(
      Array.fromAsync(
        db.stream("SELECT pg_sleep(1) FROM generate_series(1, 30)", [], {
          batchSize: 1,
        }),
      ),
      isClearError,
    );
    await until(() => db.stats.commands === 5);
    await server.kill();
    await transaction;
    await stream;
    await server.start();
    assert.equal(await db.queryValue("SELECT 1"), 1);
    assert.equal(db.stats.inUse, 0);
  },
);

test("idle connections that the server closed are not lent", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    max: 3,
  });
  await Promise.all([1, 2, 3].map(() => db.query("SELECT pg_sleep(0.3)")));
  assert.equal(db.stats.idle, 3);
  {
    await using admin = await PostgresPool.connect(server.url, { max: 1 });
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND datname = current_database()`);
  }
  await until(() => db.stats.idle === 0);
  assert.equal(await db.queryValue("SELECT 1"), 1);
  assert.equal(db.stats.commandErrors, 0);
});

test("a terminated backend fails its statement and is replaced", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    max: 2,
  });
  const pid = Promise.withResolvers<number>();
  const broken = db.acquire().then(async (session) => {
    await using lent = session;
    pid.resolve(await lent.queryValue("SELECT pg_backend_pid()") as number);
    await lent.query("SELECT pg_sleep(30)");
  });
  const rejected = assert.rejects(broken, (error: PostgresConnectionError) => {
    isClearError(error);
    assert.equal((error.cause as PostgresError).sqlState, "57P01");
    return true;
  });
  await db.query("SELECT pg_terminate_backend($1)", [await pid.promise]);
  await rejected;
  assert.equal(await db.queryValue("SELECT 1"), 1);
  assert.equal(db.stats.discarded, 1);
});

test("a transaction whose COMMIT got no answer is neither failed nor done", async (server) => {
  await using db = await PostgresPool.connect(server.url, silent);
  await db.script(`CREATE TABLE t (n int);
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE
      INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()`);
  let runs = 0;
  const unknown = assert.rejects(
    db.transaction(async (tx) => {
      runs++;
      await tx.execute("INSERT INTO t VALUES (1)");
    }),
    (error: CommitUnknownError) => {
      assert.ok(error instanceof CommitUnknownError);
      assert.equal(error.code, "SLUICE_COMMIT_UNKNOWN");
      assert.ok(error.cause instanceof PostgresConnectionError);
      return true;
    },
  );
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query = 'COMMIT' AND state = 'active' AND datname = current_database()`;
  while (!await db.queryValue(end)) await sleep(10);
  await unknown;
  assert.equal(runs, 1);
  assert.equal(db.stats.transactionRetries, 0);
});

test("a COMMIT that falls silent holds up nobody who gives up", async ({ url }) => {
  using way = new StalledWay(Number(new URL(url).port));
  const through = new URL(url);
  through.host = `127.0.0.1:${way.port}`;
  await using db = await PostgresPool.connect(through.href, {
    ...silent,
    cancelTimeoutMs: 50,
  });
  const abort = new AbortController();
  const reason = new Error("nobody waits any more");
  await assert.rejects(
    db.transaction(() => {
      way.stall();
      setTimeout(() => abort.abort(reason), 20);
    }, { signal: abort.signal }),
    (error: CommitUnknownError) => {
      assert.equal(error.code, "SLUICE_COMMIT_UNKNOWN");
      assert.equal(error.cause, reason);
      return true;
    },
  );
  way.resume();
  assert.equal(await db.queryValue("SELECT 1"), 1);
});

test("a COMMIT that the server refuses has failed for certain", async (server) => {
  await using db = await PostgresPool.connect(server.url, silent);
  await db.script(
    "CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
  );
  await assert.rejects(
    db.transaction((tx) => tx.execute("INSERT INTO t VALUES (1), (1)")),
    { name: "PostgresError", sqlState: "23505" },
  );
  assert.equal(await db.queryValue("SELECT count(*) FROM t"), 0);
});

test("two transactions that deadlock both get through", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    serverSettings: { deadlock_timeout: "50ms" },
  });
  await db.script(
    "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)",
  );
  const bump = "UPDATE t SET n = n + 1 WHERE id = $1";
  const crossing = (ids: number[]) =>
    db.transaction(async (tx) => {
      await tx.execute(bump, [ids[0]]);
      await tx.query("SELECT pg_sleep(0.05)");
      await tx.execute(bump, [ids[1]]);
    });
  await Promise.all([crossing([1, 2]), crossing([2, 1])]);
  assert.deepEqual(await db.query("SELECT n FROM t"), [{ n: 2 }, { n: 2 }]);
  assert.ok(db.stats.transactionRetries >= 1);
});

test("serializable transactions that conflict add up", async (server) => {
  await using db = await PostgresPool.connect(server.url, silent);
  await db.script("CREATE TABLE t (n int); INSERT INTO t VALUES (0)");
  const increment = () =>
    db.transaction(async (tx) => {
      const n = await tx.queryValue<number>("SELECT n FROM t");
      await tx.execute("UPDATE t SET n = $1", [n! + 1]);
    }, { isolation: "serializable", maxRetries: 50 });
  await Promise.all(Array.from({ length: 6 }, increment));
  assert.equal(await db.queryValue("SELECT n FROM t"), 6);
});

test("a stream of many rows takes the memory of one batch", async (server) => {
  await using db = await PostgresPool.connect(server.url, silent);
  let most = 0;
  let count = 0;
  const before = Deno.memoryUsage();
  for await (
    const _row of db.stream(
      "SELECT repeat('x', 1000) AS text FROM generate_series(1, 200000)",
    )
  ) {
    if (++count % 20_000 > 0) continue;
    const { heapUsed, external } = Deno.memoryUsage();
    most = Math.max(most, heapUsed + external);
  }
  assert.equal(count, 200_000);
  const grown = most - before.heapUsed - before.external;
  assert.ok(grown < 100e6, `${grown} bytes more, of 200e6 streamed`);
});

test("no more statements are prepared than the cache has room for", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    max: 1,
    statementCacheSize: 5,
  });
  for (let i = 0; i < 20; i++) {
    await db.query(`SELECT ${i} + $1::int`, [1]);
    await db.query(`SELECT ${i}::int + $1`, ["no number"]).catch(() => {});
  }
  const prepared = await db.queryValue<number>(
    "SELECT count(*) FROM pg_prepared_statements",
  );
  assert.ok(prepared! <= 6, `${prepared} are prepared`);
  await db.query("SELECT 7", [], { prepare: false });
  const after =
    "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 7'";
  assert.equal(await db.queryValue(after), 0);
});

test("a statement that fails over and over leaves nothing on the server", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    max: 1,
  });
  for (let i = 0; i < 10; i++) {
    await assert.rejects(db.query("SELECT $1::int", ["x"]), PostgresError);
    await assert.rejects(db.query("SELEC"), PostgresError);
  }
  assert.equal(
    await db.queryValue(
      "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $%'",
    ),
    1,
  );
});

test("COPY is refused without harm", async (server) => {
  await using db = await PostgresPool.connect(server.url, {
    ...silent,
    max: 1,
  });
  await db.script("CREATE TABLE t (id int)");
  await assert.rejects(db.query("COPY t FROM STDIN"), /COPY FROM STDIN/);
  await assert.rejects(db.script("COPY t FROM STDIN"), /COPY FROM STDIN/);
  await assert.rejects(db.query("COPY (SELECT 1) TO STDOUT"), /COPY TO STDOUT/);
  assert.equal(await db.queryValue("SELECT 1"), 1);
  assert.equal(db.stats.discarded, 0);
});

test("a session that is discarded while it runs ends at once", async (server) => {
  await using db = await PostgresPool.connect(server.url, silent);
  const session = await db.acquire();
  const running = assert.rejects(
    session.query("SELECT pg_sleep(30)"),
    isClearError,
  );
  await until(() => db.stats.commands === 1);
  session.discard();
  session.discard();
  await running;
  await session.release();
  assert.equal(await db.queryValue("SELECT 1"), 1);
});

test("a server that refuses to connect is a clear error at once", async (server) => {
  await assert.rejects(
    PostgresPool.connect(server.url.replace(/[^/]+$/, "nowhere"), silent),
    (error: PostgresConnectionError) => {
      assert.ok(error instanceof PostgresConnectionError);
      assert.equal(error.code, "SLUICE_POSTGRES_CONNECTION");
      assert.match(error.message, /could not be connected to.*"nowhere"/);
      assert.equal((error.cause as PostgresError).sqlState, "3D000");
      return true;
    },
  );
  await assert.rejects(
    PostgresPool.connect(server.url, {
      ...silent,
      serverSettings: { no_such_setting: "1" },
    }),
    { sqlState: "42704" },
  );
  await assert.rejects(
    PostgresPool.connect(server.url, { ...silent, ssl: true }),
    PostgresConnectionError,
  );
});

Deno.test("a server that isn't there is a clear error", async () => {
  await assert.rejects(
    PostgresPool.connect("postgres://x@127.0.0.1:1/x", silent),
    (error: PostgresConnectionError) => {
      assert.ok(error instanceof PostgresConnectionError);
      assert.match(error.message, /ECONNREFUSED/);
      return true;
    },
  );
});

Deno.test("a server that accepts and says nothing is given up on", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const { port } = listener.addr as Deno.NetAddr;
  await assert.rejects(
    PostgresPool.connect(`postgres://x@127.0.0.1:${port}/x`, {
      ...silent,
      createTimeoutMs: 50,
    }),
    { code: "SLUICE_TIMEOUT" },
  );
  (await accepted).close();
});

const refused: [PostgresOptions, RegExp][] = [
  [{ min: 5, max: 2 }, /min must not exceed max/],
  [{ commandTimeoutMs: 0 }, /commandTimeoutMs .* got 0/],
  [{ commandTimeoutMs: NaN }, /commandTimeoutMs .* got NaN/],
  [{ cancelTimeoutMs: Infinity }, /cancelTimeoutMs .* got Infinity/],
  [{ statementCacheSize: 0 }, /statementCacheSize .* got 0/],
  [{ serverSettings: { jit: false as never } }, /serverSettings.jit .* false/],
  [{ driver: "mysql" as never }, /driver must be .* got "mysql"/],
];
for (const [options, message] of refused) {
  Deno.test(`PostgresPool refuses ${Deno.inspect(options)}`, async () => {
    await assert.rejects(
      PostgresPool.connect("postgres://x@127.0.0.1:1/x", options),
      (error: Error) => {
        assert.ok(error instanceof InvalidOptionError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

function isClearError(error: unknown): true {
  assert.ok(error instanceof PostgresConnectionError, String(error));
  assert.match(error.message, /PostgreSQL/);
  return true;
}

import assert from "node:assert/strict";
import {
  InvalidOptionError,
  type SluiceError,
  TimeoutError,
} from "../../src/base/errors.ts";
import type {
  PostgresConnection,
  PostgresDriver,
  PostgresResult,
} from "../../src/pool/postgres/postgres_driver.ts";
import {
  PostgresConnectionError,
  PostgresError,
} from "../../src/pool/postgres/postgres_errors.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import { CommitUnknownError } from "../../src/pool/postgres/postgres_transaction.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A driver that answers every statement with its text. */
class EchoDriver implements PostgresDriver {
  readonly name = "echo";
  readonly sent: unknown[][] = [];
  readonly connections: EchoConnection[] = [];
  /** How statements fail, by their text. */
  readonly failures = new Map<string, Error>();
  isUp = true;
  closes = 0;

  constructor(readonly maxConnections = Infinity) {}

  connect(): Promise<PostgresConnection> {
    if (!this.isUp) throw new PostgresConnectionError("down");
    const connection = new EchoConnection(this.sent, this.failures);
    this.connections.push(connection);
    return Promise.resolve(connection);
  }

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }
}

class EchoConnection implements PostgresConnection {
  state: "idle" | "transaction" | "broken" = "idle";

  constructor(
    readonly sent: unknown[][],
    readonly failures?: Map<string, Error>,
  ) {}

  query(...statement: [string, readonly unknown[], boolean]) {
    this.sent.push(statement);
    const failure = this.failures?.get(statement[0]);
    if (failure !== undefined) return Promise.reject(failure);
    const result: PostgresResult = {
      rows: [{ text: statement[0] }],
      affectedRows: 1,
    };
    return Promise.resolve(result);
  }
  script(): Promise<void> {
    return Promise.resolve();
  }
  cancel(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.state = "broken";
    return Promise.resolve();
  }
  destroy(): void {
    this.state = "broken";
  }
}

Deno.test("a driver of one's own is asked, and closed once with the pool", async () => {
  const driver = new EchoDriver();
  const db = await PostgresPool.connect("echo:", { driver, prepare: false });
  assert.equal(await db.queryValue("SELECT $1", [1]), "SELECT $1");
  assert.equal(
    await db.queryValue("SELECT 2", [], { prepare: true }),
    "SELECT 2",
  );
  assert.deepEqual(driver.sent, [["SELECT $1", [1], false], [
    "SELECT 2",
    [],
    true,
  ]]);
  await db.close();
  await db.close();
  assert.equal(driver.closes, 1);
  assert.equal(driver.connections[0].state, "broken");
});

Deno.test("a signal that is none is refused before anything is sent", async () => {
  const driver = new EchoDriver();
  await using db = await PostgresPool.connect("echo:", { driver });
  await using session = await db.acquire();
  const sent = driver.sent.length;
  const options = { signal: {} as AbortSignal };
  await assert.rejects(
    session.query("SELECT 1", [], options),
    InvalidOptionError,
  );
  await assert.rejects(
    session.transaction(() => assert.fail("called"), options),
    InvalidOptionError,
  );
  await assert.rejects(
    session.stream("SELECT 1", [], options).next(),
    InvalidOptionError,
  );
  assert.equal(driver.sent.length, sent);
});

Deno.test("a driver is closed when the pool can't be made or connected", async () => {
  const driver = new EchoDriver();
  await assert.rejects(
    PostgresPool.connect("echo:", { driver, max: 0 }),
    InvalidOptionError,
  );
  driver.isUp = false;
  await assert.rejects(
    PostgresPool.connect("echo:", { driver }),
    PostgresConnectionError,
  );
  assert.equal(driver.closes, 2);
});

Deno.test("a URL of another kind is refused, and no password shown", async () => {
  const refused: [url: unknown, got: string][] = [
    [undefined, "undefined"],
    ["", '""'],
    ["127.0.0.1:5432/x", "something else"],
    ["nonsense", "something else"],
    ["ada:secret@db/x", "something else"],
    ["mysql://a:secret@b/c", '"mysql:"'],
    [new URL("mysql://a:secret@b/c"), '"mysql:"'],
  ];
  for (const [url, got] of refused) {
    await assert.rejects(
      PostgresPool.connect(url as string),
      (error: Error) =>
        error instanceof InvalidOptionError &&
        /postgres:\/\/ or postgresql:\/\/ URL, or memory: or file:/.test(
          error.message,
        ) && error.message.endsWith(`got ${got}`),
    );
  }
});

Deno.test("no more connections are asked for than a driver can have", async () => {
  const driver = new EchoDriver(2);
  await using db = await PostgresPool.connect("echo:", {
    driver,
    min: 5,
    max: 9,
  });
  assert.deepEqual([db.stats.min, db.stats.max], [2, 2]);
});

Deno.test("a connection that breaks in use is replaced", async () => {
  const driver = new EchoDriver();
  await using db = await PostgresPool.connect("echo:", { driver, max: 1 });
  driver.connections[0].state = "broken";
  await db.query("SELECT 1");
  assert.equal(driver.connections.length, 2);
  assert.equal(db.stats.invalid, 1);
});

Deno.test("a session held too long is warned of, with where it was taken", async () => {
  const clock = new FakeClock();
  const warnings: unknown[][] = [];
  const db = await PostgresPool.connect("echo:", {
    driver: new EchoDriver(),
    name: "users",
    clock,
    log: { warn: (...details) => warnings.push(details) },
    heldWarningMs: 160,
  });
  const session = await db.acquire();
  await clock.advance(200);
  assert.match(String(warnings[0][0]), /users: an item has been held/);
  assert.match((warnings[0][1] as Error).stack!, /postgres_pool_test\.ts/);
  await session.release();
  await db.close();
  assert.equal(clock.pending, 0);
});

Deno.test("the snapshot tells of the pool and of the statements", async () => {
  await using db = await PostgresPool.connect("echo:", {
    driver: new EchoDriver(),
    name: "users",
  });
  await db.transaction((tx) => tx.query("SELECT 1"));
  const { name, idle, inUse, commands, transactions } = db.stats;
  assert.deepEqual(
    { name, idle, inUse, commands, transactions },
    { name: "users", idle: 1, inUse: 0, commands: 3, transactions: 1 },
  );
});

Deno.test("only an answer tells that a COMMIT has failed", async () => {
  const driver = new EchoDriver();
  await using db = await PostgresPool.connect("echo:", { driver });
  const serverSays = (sqlState: string) =>
    new PostgresError({ sqlState, message: "no" });
  const failures: [Error, code: string, runs: number][] = [
    [new PostgresConnectionError("lost"), "SLUICE_COMMIT_UNKNOWN", 1],
    [new TimeoutError("COMMIT", 5), "SLUICE_COMMIT_UNKNOWN", 1],
    [serverSays("08007"), "SLUICE_COMMIT_UNKNOWN", 1],
    [serverSays("23505"), "SLUICE_POSTGRES", 1],
    [serverSays("40001"), "SLUICE_POSTGRES", 2],
  ];
  for (const [failure, code, runs] of failures) {
    driver.failures.set("COMMIT", failure);
    let count = 0;
    const transaction = db.transaction(() => {
      count++;
    }, { maxRetries: 1 });
    await assert.rejects(transaction, (error: SluiceError) => {
      assert.equal(error.code, code);
      const isUnknown = error instanceof CommitUnknownError;
      assert.equal(isUnknown ? error.cause : error, failure);
      return true;
    });
    assert.equal(count, runs);
  }
});

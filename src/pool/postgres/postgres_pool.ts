import type { Attributes } from "@opentelemetry/api";
import { systemClock } from "../../base/clock.ts";
import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { stderrWarn } from "../../observe/log/stderr_log.ts";
import type { Lease } from "../lease.ts";
import { Pool } from "../pool.ts";
import type { AcquireOptions, DrainOptions, PoolLog } from "../pool_options.ts";
import { CommandGuard, type QueryOptions } from "./command_guard.ts";
import { loadDriver } from "./load_driver.ts";
import type {
  PostgresConnection,
  PostgresDriver,
  PostgresResult,
} from "./postgres_driver.ts";
import { postgresKind, postgresValues } from "./postgres_kind.ts";
import {
  type CheckedPostgresOptions,
  checkPostgresOptions,
  type PostgresOptions,
  type PostgresStats,
} from "./postgres_options.ts";
import {
  PostgresQueries,
  type PostgresRow,
  type StreamOptions,
} from "./postgres_queries.ts";
import {
  PostgresSession,
  type PostgresSessionContext,
} from "./postgres_session.ts";
import {
  type PostgresTransaction,
  retryTransaction,
  type TransactionOptions,
} from "./postgres_transaction.ts";
import { checkPostgresUrl } from "./postgres_url.ts";
import { describeDatabase, runInSpan } from "./statement_span.ts";

/**
 * A pool of connections to PostgreSQL. A statement that is aborted or takes too
 * long is cancelled on the server, and rejects when it has ended there. After a
 * restart of the server the statements that were running fail with a
 * `PostgresConnectionError`, and the next ones connect anew.
 *
 * @example
 * ```ts
 * import { PostgresPool } from "@sluice/mcp";
 *
 * await using db = await PostgresPool.connect("memory://", {
 *   commandTimeoutMs: 5_000,
 *   serverSettings: { jit: "off" },
 * });
 * await db.script("CREATE TABLE users (id int PRIMARY KEY, name text)");
 * await db.execute("INSERT INTO users VALUES ($1, $2)", [1, "Ada"]);
 * const users = await db.query<{ id: number; name: string }>(
 *   "SELECT * FROM users WHERE id = ANY($1)",
 *   [[1, 2, 3]],
 * );
 * console.log(users[0].name);
 * ```
 */
export class PostgresPool extends PostgresQueries
  implements AsyncDisposable, HealthCheckable {
  readonly #driver: PostgresDriver;
  readonly #pool: Pool<PostgresConnection>;
  readonly #guard: CommandGuard;
  readonly #prepare: boolean;
  readonly #log: PoolLog;
  readonly #database: Attributes;
  readonly #sessions: PostgresSessionContext;
  readonly #untrack: () => void;
  #transactions = 0;
  #transactionRetries = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    driver: PostgresDriver,
    options: PostgresOptions,
    checked: CheckedPostgresOptions,
    database: Attributes,
  ) {
    super();
    const { clock = systemClock, random = Math.random } = options;
    const { log = { warn: stderrWarn } } = options;
    const { commandTimeoutMs, cancelTimeoutMs, prepare } = checked;
    this.#driver = driver;
    this.#prepare = prepare;
    this.#log = log;
    this.#database = database;
    this.#guard = new CommandGuard({
      clock,
      commandTimeoutMs,
      cancelTimeoutMs,
    });
    this.#pool = new Pool({
      name: "postgres",
      ...options,
      ...limitsFor(driver, options),
      create: ({ signal }) => this.#connect(signal, checked),
      destroy: (connection) => connection.close(),
      validate: (connection) => connection.state === "idle",
    });
    this.#sessions = {
      name: this.#pool.name,
      guard: this.#guard,
      prepare,
      database,
      retry: { clock, random, onRetry: () => this.#transactionRetries++ },
      giveBack: (lease) => this.#giveBack(lease),
      onTransaction: () => this.#transactions++,
    };
    this.#untrack = instruments.track(
      postgresKind,
      { name: this.#pool.name },
      this,
      postgresValues,
    );
  }

  /**
   * Connects to a server (`postgres://…`, `postgresql://…`), or to a database in
   * this process (`memory://`, `file:///…`), and resolves when the first
   * connection stands. What another URL means is for a driver of your own to say.
   *
   * @throws {InvalidOptionError} for another URL, or an option that makes no
   * sense.
   * @throws {PostgresConnectionError} when the server can't be reached or
   * refuses.
   */
  static async connect(
    url: string | URL,
    options: PostgresOptions = {},
  ): Promise<PostgresPool> {
    const checked = checkPostgresOptions(options);
    const driver = typeof options.driver === "object"
      ? options.driver
      : await loadDriver(options.driver, {
        url: checkPostgresUrl(url),
        ssl: options.ssl,
        applicationName: checked.applicationName,
        statementCacheSize: checked.statementCacheSize,
      });
    await using opened = new AsyncDisposableStack();
    opened.defer(() => driver.close());
    const pool = new PostgresPool(
      driver,
      options,
      checked,
      describeDatabase(url),
    );
    opened.defer(() => pool.#closePool());
    await pool.#pool.use(() => {});
    opened.move();
    return pool;
  }

  /** What metrics, warnings and errors call it. */
  get name(): string {
    return this.#pool.name;
  }

  /** Runs several statements, separated by semicolons, without parameters. */
  script(text: string, options: QueryOptions = {}): Promise<void> {
    return runInSpan(
      text,
      false,
      this.#database,
      () => this.#use((connection) => connection.script(text), options),
    );
  }

  /**
   * Runs `fn` in a transaction: committed when it returns, rolled back when it
   * throws. When the server ends it for another's sake (a serialization
   * failure, a deadlock) it is run again from the start, so `fn` should do
   * nothing that can't be done twice outside the database.
   *
   * @throws what `fn` throws.
   * @throws {PostgresError} when the server refuses what `fn` ignored.
   */
  transaction<R>(
    fn: (transaction: PostgresTransaction) => R | PromiseLike<R>,
    options: TransactionOptions = {},
  ): Promise<R> {
    const attempt = async () => {
      await using session = await this.acquire(options);
      return await session.transaction(fn, { ...options, maxRetries: 0 });
    };
    return retryTransaction(attempt, options, this.#sessions.retry);
  }

  /**
   * The rows of a query, a batch at a time, so that any number of them takes
   * the memory of one batch. Leaving the loop early closes the cursor.
   *
   * @throws {PostgresError} when the server refuses it.
   */
  async *stream<Row = PostgresRow>(
    text: string,
    params: readonly unknown[] = [],
    options: StreamOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    await using session = await this.acquire(options);
    yield* session.stream<Row>(text, params, options);
  }

  /**
   * Borrows one connection, for what must stay on one.
   *
   * @throws {QueueFullError} when `maxWaiting` callers wait already.
   * @throws {TimeoutError} after `acquireTimeoutMs`.
   * @throws {ClosedError} once draining or closed.
   */
  async acquire(options?: AcquireOptions): Promise<PostgresSession> {
    return new PostgresSession(
      await this.#pool.acquire(options),
      this.#sessions,
    );
  }

  /** Refuses new callers, waits for those there are, and closes. */
  async drain(options?: DrainOptions): Promise<void> {
    await this.#pool.drain(options);
    await this.close();
  }

  /**
   * Refuses everybody and closes the connections; those in use, when they come
   * back.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Healthy when the server answers; degraded while callers wait because all
   * connections are in use.
   */
  async checkHealth(signal?: AbortSignal): Promise<HealthResult> {
    const found = await this.#pool.checkHealth(signal);
    if (found.status === "healthy") {
      await this.query("SELECT 1", [], { signal });
    }
    return found;
  }

  /** A snapshot of the counters. */
  get stats(): PostgresStats {
    return {
      ...this.#pool.stats,
      ...this.#guard.counters,
      transactions: this.#transactions,
      transactionRetries: this.#transactionRetries,
    };
  }

  /** Runs a statement on whichever connection is free. */
  protected override run(
    text: string,
    params: readonly unknown[],
    options: QueryOptions,
  ): Promise<PostgresResult> {
    const { prepare = this.#prepare } = options;
    return runInSpan(text, params.length > 0, this.#database, () =>
      this.#use(
        (connection) => connection.query(text, params, prepare),
        options,
      ));
  }

  async #use<R>(
    start: (connection: PostgresConnection) => Promise<R>,
    options: QueryOptions,
  ): Promise<R> {
    const lease = await this.#pool.acquire(options);
    const connection = lease.value;
    try {
      return await this.#guard.run(
        connection,
        () => start(connection),
        options,
      );
    } finally {
      this.#giveBack(lease);
    }
  }

  #giveBack(lease: Lease<PostgresConnection>): void {
    const { state } = lease.value;
    if (state === "idle") return lease.release();
    if (state === "transaction") {
      this.#log.warn(
        `${this.name}: a connection came back in a transaction; it is rolled back and closed`,
      );
    }
    lease.discard();
  }

  async #connect(
    signal: AbortSignal,
    { settings }: CheckedPostgresOptions,
  ): Promise<PostgresConnection> {
    const connection = await this.#driver.connect({
      signal,
      onClose: (connection) => this.#pool.evict(connection),
    });
    try {
      await applySettings(connection, settings);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await this.#closePool();
    this.#guard.close();
    await this.#driver.close();
  }

  async #closePool(): Promise<void> {
    await this.#pool.close();
    this.#untrack();
  }
}

/** A driver may hold fewer connections than were asked for. */
function limitsFor(
  { maxConnections }: PostgresDriver,
  { min = 0, max = 10 }: PostgresOptions,
): { min: number; max: number } {
  if (max <= maxConnections) return { min, max };
  return { min: Math.min(min, maxConnections), max: maxConnections };
}

async function applySettings(
  connection: PostgresConnection,
  settings: [name: string, value: string][],
): Promise<void> {
  if (settings.length === 0) return;
  const calls = settings.map((_, i) =>
    `set_config($${2 * i + 1}, $${2 * i + 2}, false) AS setting_${i}`
  );
  await connection.query(`SELECT ${calls.join(", ")}`, settings.flat(), false);
}

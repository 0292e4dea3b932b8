import { TimeoutError } from "../../base/errors.ts";
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
import { checkPostgresUrl, loadDriver } from "./load_driver.ts";
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
  type CursorScope,
  PostgresQueries,
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
  readonly #context: PostgresSessionContext;
  readonly #log: PoolLog;
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
    this.#driver = driver;
    this.#log = options.log ?? { warn: stderrWarn };
    this.#pool = new Pool({
      name: "postgres",
      ...options,
      ...limitsFor(driver, options),
      create: ({ signal }) => this.#connect(signal, checked.settings),
      destroy: (connection) => connection.close(),
      validate: (connection) => connection.state === "idle",
    });
    this.#context = {
      name: this.name,
      guard: new CommandGuard({ clock, ...checked }),
      prepare: checked.prepare,
      database,
      retry: { clock, random, onRetry: () => this.#transactionRetries++ },
      giveBack: (lease) => this.#giveBack(lease),
      onTransaction: () => this.#transactions++,
    };
    this.#untrack = instruments.track(
      postgresKind,
      { name: this.name },
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
        ...checked,
      });
    await using opened = new AsyncDisposableStack();
    opened.defer(() => driver.close());
    const database = describeDatabase(url);
    const pool = new PostgresPool(driver, options, checked, database);
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
    return this.#use(text, false, (it) => it.script(text), options);
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
    return retryTransaction(attempt, options, this.#context.retry);
  }

  /**
   * Borrows one connection, for what must stay on one.
   *
   * @throws {QueueFullError} when `maxWaiting` callers wait already.
   * @throws {TimeoutError} after `acquireTimeoutMs`.
   * @throws {ClosedError} once draining or closed.
   */
  async acquire(options?: AcquireOptions): Promise<PostgresSession> {
    const lease = await this.#borrow(options);
    return new PostgresSession(lease, this.#context);
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
      ...this.#context.guard.counters,
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
    const { prepare = this.#context.prepare } = options;
    return this.#use(
      text,
      params.length > 0,
      (connection) => connection.query(text, params, prepare),
      options,
    );
  }

  /** Borrows the connection that a stream stays on. */
  protected override async openScope(
    options: StreamOptions,
  ): Promise<CursorScope> {
    const session = await this.acquire(options);
    try {
      const { run, end } = await session.openScope(options);
      return { run, end: () => end().finally(() => session.release()) };
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  #use<R>(
    text: string,
    hasParams: boolean,
    start: (connection: PostgresConnection) => Promise<R>,
    options: QueryOptions,
  ): Promise<R> {
    const { database, guard } = this.#context;
    return runInSpan(text, hasParams, database, async () => {
      const lease = await this.#borrow(options);
      const connection = lease.value;
      try {
        return await guard.run(connection, () => start(connection), options);
      } finally {
        this.#giveBack(lease);
      }
    });
  }

  async #borrow(options?: AcquireOptions): Promise<Lease<PostgresConnection>> {
    try {
      return await this.#pool.acquire(options);
    } catch (error) {
      const { inUse, max } = this.#pool.stats;
      if (!(error instanceof TimeoutError) || inUse < max) throw error;
      const all = max === 1 ? "whose only one is" : `whose ${max} are all`;
      throw new TimeoutError(
        `waiting for a connection of ${this.name}, ${all} in use ` +
          "(inside a transaction or a session, ask that and not the pool),",
        error.timeoutMs,
        { cause: error.cause },
      );
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
    settings: CheckedPostgresOptions["settings"],
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
    this.#context.guard.close();
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

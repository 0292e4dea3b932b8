import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import type { Attributes } from "@opentelemetry/api";
import { readOptions } from "../../base/option_rules.ts";
import {
  ACQUIRE_OPTIONS,
  type AcquireOptions,
  type DrainOptions,
} from "../pool_options.ts";
import { CommandGuard, type QueryOptions } from "./command_guard.ts";
import { checkPostgresUrl, loadDriver } from "./load_driver.ts";
import { PostgresConnections } from "./postgres_connections.ts";
import type {
  PostgresConnection,
  PostgresDriver,
  PostgresResult,
} from "./postgres_driver.ts";
import {
  type CheckedPostgresOptions,
  checkPostgresOptions,
  type PostgresOptions,
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
  postgresKind,
  type PostgresStats,
  postgresValues,
} from "./postgres_stats.ts";
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
  readonly #connections: PostgresConnections;
  readonly #context: PostgresSessionContext;
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
    const { clock, random } = checked;
    this.#driver = driver;
    this.#connections = new PostgresConnections(driver, options, checked);
    this.#context = {
      name: this.name,
      guard: new CommandGuard(checked),
      prepare: checked.prepare,
      database,
      retry: { clock, random, onRetry: () => this.#transactionRetries++ },
      giveBack: (lease) => this.#connections.giveBack(lease),
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
        ...checked,
        url: checkPostgresUrl(url),
      });
    await using opened = new AsyncDisposableStack();
    opened.defer(() => driver.close());
    const database = describeDatabase(url);
    const pool = new PostgresPool(driver, options, checked, database);
    opened.defer(() => pool.#closePool());
    await pool.#connections.pool.use(() => {});
    opened.move();
    return pool;
  }

  /** The name of the pool in metrics, warnings and errors. */
  get name(): string {
    return this.#connections.pool.name;
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
      await using session = await this.#session(options.signal);
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
  async acquire(options: AcquireOptions = {}): Promise<PostgresSession> {
    const { signal } = readOptions("acquire", options, ACQUIRE_OPTIONS);
    return await this.#session(signal);
  }

  async #session(signal: AbortSignal | undefined): Promise<PostgresSession> {
    const lease = await this.#connections.borrow(signal);
    return new PostgresSession(lease, this.#context);
  }

  /** Refuses new callers, waits for those there are, and closes. */
  async drain(options?: DrainOptions): Promise<void> {
    await this.#connections.pool.drain(options);
    await this.close();
  }

  /**
   * Refuses everybody and closes the connections; those in use, when they come
   * back. A database in this process first lets a statement that runs, or a
   * transaction, come to its end.
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
    const found = await this.#connections.pool.checkHealth(signal);
    if (found.status === "healthy") {
      await this.query("SELECT 1", [], { signal });
    }
    return found;
  }

  /** A snapshot of the counters. */
  get stats(): PostgresStats {
    return {
      ...this.#connections.pool.stats,
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

  /**
   * Borrows the connection that a stream stays on.
   * @internal
   */
  protected override async openScope(
    options: StreamOptions,
  ): Promise<CursorScope> {
    const session = await this.#session(options.signal);
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
    const { database, guard, giveBack } = this.#context;
    return runInSpan(text, hasParams, database, async () => {
      const lease = await this.#connections.borrow(options.signal);
      const connection = lease.value;
      try {
        return await guard.run(connection, () => start(connection), options);
      } finally {
        giveBack(lease);
      }
    });
  }

  async #close(): Promise<void> {
    await this.#closePool();
    this.#context.guard.close();
    await this.#driver.close();
  }

  async #closePool(): Promise<void> {
    await this.#connections.pool.close();
    this.#untrack();
  }
}

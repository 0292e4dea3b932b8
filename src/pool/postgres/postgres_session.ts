import type { Attributes } from "@opentelemetry/api";
import { LeaseReleasedError } from "../lease.ts";
import type { CommandGuard, QueryOptions } from "./command_guard.ts";
import type { PostgresLease } from "./postgres_connections.ts";
import type { PostgresConnection, PostgresResult } from "./postgres_driver.ts";
import { type CursorScope, PostgresQueries } from "./postgres_queries.ts";
import {
  type PostgresTransaction,
  type RetryContext,
  retryTransaction,
  runTransaction,
  type TransactionOptions,
} from "./postgres_transaction.ts";
import { runInSpan } from "./statement_span.ts";

/** The things a {@linkcode PostgresSession} shares with others of its pool. */
export interface PostgresSessionContext {
  name: string;
  guard: CommandGuard;
  prepare: boolean;
  database: Attributes;
  retry: RetryContext;
  giveBack(lease: PostgresLease): void;
  onTransaction(): void;
}

/**
 * One connection of a `PostgresPool`, lent to one caller: for what must stay on
 * one connection, such as temporary tables and advisory locks. Statements run
 * in the order they were asked for.
 */
export class PostgresSession extends PostgresQueries
  implements AsyncDisposable {
  readonly #lease: PostgresLease;
  readonly #context: PostgresSessionContext;
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;

  /**
   * Made by a pool alone.
   * @internal
   */
  constructor(lease: PostgresLease, context: PostgresSessionContext) {
    super();
    this.#lease = lease;
    this.#context = context;
  }

  /** Runs several statements, separated by semicolons, without parameters. */
  script(text: string, options: QueryOptions = {}): Promise<void> {
    return this.#use(text, false, (it) => it.script(text), options);
  }

  /**
   * Runs `fn` in a transaction: committed when it returns, rolled back when it
   * throws, run again when the server ended it for another's sake.
   */
  transaction<R>(
    fn: (transaction: PostgresTransaction) => R | PromiseLike<R>,
    options: TransactionOptions = {},
  ): Promise<R> {
    const { retry, onTransaction } = this.#context;
    return retryTransaction(
      () => {
        onTransaction();
        return runTransaction((...args) => this.run(...args), fn, options);
      },
      options,
      retry,
    );
  }

  /**
   * Gives the connection back once what runs on it has ended. One that was
   * left in a transaction is closed, which rolls back.
   */
  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#last;
    this.#context.giveBack(this.#lease);
  }

  /** Closes the connection instead of giving it back; what runs is rejected. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lease.discard();
  }

  /** The same as {@linkcode release}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Runs a statement on the session's connection, when it is its turn. */
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
   * Begins a transaction for a stream, unless one has been begun.
   * @internal
   */
  override async openScope(options: QueryOptions): Promise<CursorScope> {
    const run = this.run.bind(this);
    const once = { prepare: false };
    await this.#last;
    const isBegun = this.#lease.value.state !== "idle";
    if (!isBegun) await run("BEGIN", [], { ...options, ...once });
    return {
      run,
      end: async () => {
        if (!isBegun) await run("COMMIT", [], once);
      },
    };
  }

  #use<R>(
    text: string,
    hasParams: boolean,
    start: (connection: PostgresConnection) => Promise<R>,
    options: QueryOptions,
  ): Promise<R> {
    const { database } = this.#context;
    return runInSpan(
      text,
      hasParams,
      database,
      () => this.#inTurn(start, options),
    );
  }

  #inTurn<R>(
    start: (connection: PostgresConnection) => Promise<R>,
    options: QueryOptions,
  ): Promise<R> {
    const { guard, name } = this.#context;
    if (this.#isOver) return Promise.reject(new LeaseReleasedError(name));
    const turn = this.#last.then(() => {
      const connection = this.#lease.value;
      return guard.run(connection, () => start(connection), options);
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

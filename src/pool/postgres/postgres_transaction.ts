import { sleep } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { InvalidOptionError, SluiceError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { backoffMs } from "../../base/backoff.ts";
import type { QueryOptions } from "./command_guard.ts";
import type { PostgresResult } from "./postgres_driver.ts";
import { PostgresError, StatementGoneError } from "./postgres_errors.ts";
import {
  type CursorScope,
  PostgresQueries,
  type RunStatement,
} from "./postgres_queries.ts";

/**
 * The view that a transaction has of the others: what they had committed when a
 * statement began (`"read committed"`), or when its first statement did
 * (`"repeatable read"`), or as if they ran one after another
 * (`"serializable"`).
 */
export type PostgresIsolation =
  | "read committed"
  | "repeatable read"
  | "serializable";

/** The server says so when it doesn't know itself, as one behind a proxy. */
const RESOLUTION_UNKNOWN: ReadonlySet<string> = new Set(["08007", "40003"]);

const isolations: readonly PostgresIsolation[] = [
  "read committed",
  "repeatable read",
  "serializable",
];

/** Options of a transaction. */
export interface TransactionOptions {
  /**
   * The view it has of the others; see "Transaction Isolation" in the PostgreSQL
   * manual.
   * @default the server's, which is "read committed" as a rule
   */
  isolation?: PostgresIsolation;
  /**
   * Has the server refuse statements that write.
   * @default false
   */
  readOnly?: boolean;
  /**
   * The number of times it is run again, from the start and after a pause, when
   * the server ends it for the sake of another: a serialization failure or a
   * deadlock.
   * @default 5
   */
  maxRetries?: number;
  /**
   * Cancels what is running and rolls back. A COMMIT under way has the pool's
   * `cancelTimeoutMs` to come to its end; then nobody knows whether it did.
   */
  signal?: AbortSignal;
}

const TRANSACTION_OPTIONS = {
  isolation: option.optional<PostgresIsolation>(),
  readOnly: option.optional<boolean>(),
  maxRetries: option.integer(5, 0),
  signal: option.signal,
} satisfies OptionRules<TransactionOptions>;

/** A transaction while it runs; of no use afterwards. */
export class PostgresTransaction extends PostgresQueries {
  readonly #run: RunStatement;
  readonly #signal: AbortSignal | undefined;
  #failure: PostgresError | undefined;
  #isOver = false;

  /**
   * Made by `transaction()` alone.
   * @internal
   */
  constructor(run: RunStatement, signal: AbortSignal | undefined) {
    super();
    this.#run = run;
    this.#signal = signal;
  }

  /** The last refusal of the server, whether or not anybody cared. */
  get failure(): PostgresError | undefined {
    return this.#failure;
  }

  /**
   * Refuses all that comes after.
   * @internal
   */
  end(): void {
    this.#isOver = true;
  }

  /** Runs a statement on the transaction's connection, while it isn't over. */
  protected override async run(
    text: string,
    params: readonly unknown[],
    options: QueryOptions,
  ): Promise<PostgresResult> {
    if (this.#isOver) throw new TransactionOverError();
    try {
      return await this.#run(text, params, {
        ...options,
        signal: anySignal(options.signal, this.#signal),
      });
    } catch (error) {
      if (error instanceof PostgresError) this.#failure = error;
      throw error;
    }
  }

  /**
   * Leaves a cursor in the transaction that there is.
   * @internal
   */
  protected override openScope(): Promise<CursorScope> {
    return Promise.resolve({
      run: (...statement) => this.run(...statement),
      end: () => Promise.resolve(),
    });
  }
}

/** A transaction was used after its function had returned. */
export class TransactionOverError extends SluiceError {
  /** The class, by name. */
  override readonly name = "TransactionOverError";

  /** Takes nothing: the message is always the same. */
  constructor() {
    super(
      "SLUICE_TRANSACTION_OVER",
      "this transaction is over: it has been committed or rolled back",
    );
  }
}

/**
 * A transaction's COMMIT was sent and got no answer: it may have been committed,
 * or not. It is never run again by itself; look before you do.
 */
export class CommitUnknownError extends SluiceError {
  /** The class, by name. */
  override readonly name = "CommitUnknownError";

  /** The cause is why no answer came. */
  constructor(options: ErrorOptions) {
    super(
      "SLUICE_COMMIT_UNKNOWN",
      "the transaction may have been committed or not: its COMMIT got no answer",
      options,
    );
  }
}

/**
 * Runs `fn` between BEGIN and COMMIT, or ROLLBACK if it throws. If the server
 * has refused a statement and `fn` made nothing of it, that is thrown too: a
 * COMMIT would roll back without a word.
 */
export async function runTransaction<R>(
  run: RunStatement,
  fn: (transaction: PostgresTransaction) => R | PromiseLike<R>,
  options: TransactionOptions,
): Promise<R> {
  const { signal } = options;
  await run(beginText(options), [], { signal });
  const transaction = new PostgresTransaction(run, signal);
  try {
    const result = await fn(transaction);
    transaction.end();
    signal?.throwIfAborted();
    if (transaction.failure) await failIfAborted(run, transaction.failure);
    await commit(run, signal);
    return result;
  } catch (error) {
    transaction.end();
    if (error instanceof CommitUnknownError) throw error;
    await run("ROLLBACK", [], {}).catch(() => {});
    if (isRetryable(error)) throw error;
    if (isRetryable(transaction.failure)) throw transaction.failure;
    throw error;
  }
}

/** Pauses between retries, and who counts them. */
export interface RetryContext {
  clock: Clock;
  random: () => number;
  onRetry: () => void;
}

/** Tries again as long as the server ended the transaction for another's sake. */
export async function retryTransaction<R>(
  attempt: () => Promise<R>,
  options: TransactionOptions,
  { clock, random, onRetry }: RetryContext,
): Promise<R> {
  const { maxRetries, signal } = readOptions(
    "transaction",
    options,
    TRANSACTION_OPTIONS,
  );
  for (let retry = 1;; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (retry > maxRetries || !isRetryable(error)) throw error;
    }
    onRetry();
    const pause = { firstMs: 10, maxMs: 1_000, random };
    await sleep(backoffMs(retry, pause), { signal, clock });
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof StatementGoneError ||
    error instanceof PostgresError &&
      (error.sqlState === "40001" || error.sqlState === "40P01");
}

/** Fails as the server does; without its answer, nobody knows. */
async function commit(
  run: RunStatement,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await run("COMMIT", [], { signal });
  } catch (cause) {
    const isKnown = cause instanceof PostgresError &&
      !RESOLUTION_UNKNOWN.has(cause.sqlState);
    throw isKnown ? cause : new CommitUnknownError({ cause });
  }
}

async function failIfAborted(
  run: RunStatement,
  failure: PostgresError,
): Promise<void> {
  try {
    await run("SELECT 1", [], {});
  } catch {
    throw failure;
  }
}

function beginText({ isolation, readOnly }: TransactionOptions): string {
  if (isolation !== undefined && !isolations.includes(isolation)) {
    throw new InvalidOptionError(
      `isolation must be one of ${isolations.join(", ")}, got ${
        quote(isolation)
      }`,
    );
  }
  const level = isolation === undefined ? "" : ` ISOLATION LEVEL ${isolation}`;
  return `BEGIN${level}${readOnly ? " READ ONLY" : ""}`;
}

function anySignal(one?: AbortSignal, other?: AbortSignal) {
  return one && other ? AbortSignal.any([one, other]) : one ?? other;
}

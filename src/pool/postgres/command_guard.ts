import { sleep } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { TimeoutError } from "../../base/errors.ts";
import { deadline } from "../../base/deadline.ts";
import { option, type OptionRules } from "../../base/option_rules.ts";
import { TimedEntry, TimedQueue } from "../../base/timed_queue.ts";
import type { PostgresConnection } from "./postgres_driver.ts";

/** Options of one statement. */
export interface QueryOptions {
  /** Cancels the statement, on the server too, and rejects with its reason. */
  signal?: AbortSignal;
  /**
   * Limits the statement, in milliseconds, once it has a connection.
   * @default the pool's `commandTimeoutMs`
   */
  timeoutMs?: number;
  /**
   * Has the server keep the statement, parsed and planned, for the next time;
   * not worth it for a text that won't come again.
   * @default the pool's `prepare`
   */
  prepare?: boolean;
}

/** How they are read. */
export const QUERY_OPTIONS = {
  signal: option.signal,
  timeoutMs: option.optional<number>(),
  prepare: option.optional<boolean>(),
} satisfies OptionRules<QueryOptions>;

/** Counters of a {@linkcode CommandGuard}. */
export interface CommandCounters {
  /** Statements sent. */
  commands: number;
  /** Statements that failed, whatever the reason. */
  commandErrors: number;
  /** Statements cancelled because they took too long. */
  commandTimeouts: number;
  /** Statements cancelled by their signal. */
  commandAborts: number;
}

/** Limits, and the clock that they are read by. */
export interface CommandGuardOptions {
  clock: Clock;
  commandTimeoutMs: number;
  /** The time that the server has to end what was cancelled. */
  cancelTimeoutMs: number;
}

/**
 * Runs statements and cancels those that take too long or that nobody waits
 * for. It rejects only when the server has ended the statement, so that none is
 * left running; a server that doesn't in time loses the connection.
 */
export class CommandGuard {
  readonly counters: CommandCounters = {
    commands: 0,
    commandErrors: 0,
    commandTimeouts: 0,
    commandAborts: 0,
  };
  readonly #options: CommandGuardOptions;
  readonly #running: TimedQueue<Command>;

  constructor(options: CommandGuardOptions) {
    this.#options = options;
    const { clock, commandTimeoutMs } = options;
    this.#running = new TimedQueue(
      clock,
      commandTimeoutMs,
      (command) => this.#timeOut(command, commandTimeoutMs),
    );
  }

  /** A statement that ended well before its cancelling could gives its result. */
  async run<R>(
    connection: PostgresConnection,
    start: () => Promise<R>,
    { signal, timeoutMs }: QueryOptions,
  ): Promise<R> {
    signal?.throwIfAborted();
    const command = new Command(connection, this.#options);
    const disarm = this.#arm(command, signal, timeoutMs);
    this.counters.commands++;
    try {
      return await start();
    } catch (error) {
      this.counters.commandErrors++;
      throw command.wasInterrupted ? command.reason : error;
    } finally {
      disarm?.();
      this.#running.delete(command);
      if (command.wasInterrupted) await command.settled();
    }
  }

  /** Stops watching; what runs may take as long as it likes. */
  close(): void {
    this.#running.stopWatching();
  }

  #arm(
    command: Command,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): (() => void) | undefined {
    if (timeoutMs === undefined) this.#running.push(command);
    if (signal === undefined && timeoutMs === undefined) return undefined;
    const { clock } = this.#options;
    const onAbort = () => {
      this.counters.commandAborts++;
      command.interrupt(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = timeoutMs !== undefined && timeoutMs !== Infinity
      ? clock.setTimeout(() => this.#timeOut(command, timeoutMs), timeoutMs)
      : undefined;
    return () => {
      signal?.removeEventListener("abort", onAbort);
      clock.clearTimeout(timer);
    };
  }

  #timeOut(command: Command, timeoutMs: number): void {
    this.counters.commandTimeouts++;
    command.interrupt(new TimeoutError("a PostgreSQL statement", timeoutMs));
  }
}

/** A statement on its way, and the end of it before its time. */
class Command extends TimedEntry {
  reason: unknown;
  #over: AbortController | undefined;
  #cancelled: Promise<void> | undefined;

  constructor(
    readonly connection: PostgresConnection,
    readonly options: CommandGuardOptions,
  ) {
    super();
  }

  get wasInterrupted(): boolean {
    return this.#over !== undefined;
  }

  interrupt(reason: unknown): void {
    if (this.wasInterrupted) return;
    this.reason = reason;
    this.#over = new AbortController();
    this.#cancelled = this.#cancel(this.#over.signal);
  }

  /** The statement is over: waits until no request to cancel can hit a later one. */
  async settled(): Promise<void> {
    this.#over?.abort();
    await this.#cancelled;
  }

  async #cancel(over: AbortSignal): Promise<void> {
    const { clock, cancelTimeoutMs } = this.options;
    try {
      await deadline(
        (tooLate) => this.#cancelUntilOver(over, tooLate),
        cancelTimeoutMs,
        { clock },
      );
    } catch {
      this.connection.destroy();
    }
  }

  /** The server ignores a request that comes before the statement has begun. */
  async #cancelUntilOver(
    over: AbortSignal,
    tooLate: AbortSignal,
  ): Promise<void> {
    const { clock } = this.options;
    for (let pauseMs = 10; !over.aborted && !tooLate.aborted; pauseMs *= 2) {
      await this.connection.cancel();
      await sleep(pauseMs, { clock, signal: over }).catch(() => {});
    }
  }
}

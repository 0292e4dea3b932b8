import { type Clock, systemClock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { isThenable } from "../../base/thenable.ts";
import { CallRecord } from "./call_record.ts";
import { DURATIONS } from "./histogram.ts";
import { type InstrumentKind, instruments } from "./instruments.ts";
import { LineLimit } from "../log/line_limit.ts";
import type { Log, LogSink } from "../log/log.ts";
import { toLog } from "../log/logger.ts";
import type { CallSummary } from "./metrics_document.ts";

/** The options of {@linkcode monitored}. */
export interface MonitoredOptions {
  /**
   * Its name in `/metrics` and in the log.
   * @default the function's own name
   */
  name?: string;
  /**
   * Milliseconds past which a call is logged as slow; `Infinity` for none.
   * @default 1000
   */
  slowMs?: number;
  /**
   * The log that slow calls are written to: `server.log`, or a sink.
   * @default stderrLog
   */
  log?: Log | LogSink;
  /**
   * At most one slow call is logged in this time, in milliseconds; the next tells
   * in `swallowed` how many were not.
   * @default 10000
   */
  logIntervalMs?: number;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const MONITORED_OPTIONS = {
  name: option.optional<string>(),
  slowMs: option.timeoutMs(1_000),
  log: option.optional<MonitoredOptions["log"]>(),
  logIntervalMs: option.durationMs(10_000),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<MonitoredOptions>;

/** A function whose calls are counted. */
export type Monitored<Fn> = Fn & {
  /** The figures of its calls. */
  readonly stats: CallSummary;
};

const FUNCTION: InstrumentKind = {
  kind: "function",
  measures: {
    calls: { type: "counter", help: "Calls that have ended." },
    errors: { type: "counter", help: "Calls that failed." },
    in_progress: { type: "gauge", help: "Calls under way." },
    seconds: { type: "counter", help: "The time of all calls, in seconds." },
  },
};

/**
 * Counts the calls of a function: how many, how long, how many failed. A call
 * ends when what it returned does: a promise, or an async generator. `/metrics`
 * shows it as `sluice_function_…{name="…"}`, on every server of the process; the
 * figures of functions with one name add up there.
 *
 * @throws {InvalidOptionError} naming the option
 *
 * @example
 * ```ts
 * import { McpServer, monitored } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "images", version: "1.0.0" });
 * const resize = monitored(async function resize(image: Uint8Array) {
 *   return await Promise.resolve(image.slice(0, 100));
 * }, { slowMs: 200, log: server.log });
 *
 * await resize(new Uint8Array(1_000));
 * resize.stats.calls; // 1
 * ```
 */
export function monitored<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
  options: MonitoredOptions = {},
): Monitored<(...args: Args) => Result> {
  const monitor = new Monitor(
    fn.name,
    readOptions("monitored", options, MONITORED_OPTIONS),
  );
  const watched = function (this: unknown, ...args: Args): Result {
    return monitor.run(() => fn.apply(this, args));
  };
  Object.defineProperties(watched, {
    name: { value: fn.name },
    length: { value: fn.length },
    stats: { get: () => monitor.stats },
  });
  return watched as Monitored<(...args: Args) => Result>;
}

/** Times calls of one function. */
class Monitor {
  readonly #name: string;
  readonly #slowMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limit: LineLimit;
  readonly #record: CallRecord = new CallRecord();

  constructor(
    fnName: string,
    { name = fnName, slowMs, log, logIntervalMs, clock }: ReadOptions<
      typeof MONITORED_OPTIONS
    >,
  ) {
    this.#name = name === "" ? "anonymous" : name;
    this.#slowMs = slowMs;
    this.#clock = clock;
    this.#log = toLog(log);
    this.#limit = new LineLimit(logIntervalMs, clock);
    instruments.track(FUNCTION, { name: this.#name }, this, ({ stats }) => ({
      calls: stats.calls,
      errors: stats.errors,
      in_progress: stats.in_progress,
      seconds: stats.total_ms / 1_000,
    }));
  }

  get stats(): CallSummary {
    return this.#record.summary;
  }

  run<Result>(call: () => Result): Result {
    const begunAt = this.#clock.now();
    this.#record.inProgress++;
    let result: Result;
    try {
      result = call();
    } catch (error) {
      this.#end(begunAt, nameOf(error));
      throw error;
    }
    if (isThenable(result)) {
      return result.then(
        (value) => {
          this.#end(begunAt);
          return value;
        },
        (error) => {
          this.#end(begunAt, nameOf(error));
          throw error;
        },
      ) as Result;
    }
    if (isAsyncGenerator(result)) {
      this.#record.inProgress--;
      return this.#follow(result) as Result;
    }
    this.#end(begunAt);
    return result;
  }

  /** Begins with the first step: one that nobody takes is no call. */
  async *#follow(
    steps: AsyncGenerator<unknown, unknown>,
  ): AsyncGenerator<unknown, unknown> {
    const begunAt = this.#clock.now();
    this.#record.inProgress++;
    let failure: string | undefined;
    try {
      return yield* steps;
    } catch (error) {
      failure = nameOf(error);
      throw error;
    } finally {
      this.#end(begunAt, failure);
    }
  }

  #end(begunAt: number, failure?: string): void {
    const tookMs = this.#clock.now() - begunAt;
    const seconds = tookMs / 1_000;
    this.#record.end(seconds, DURATIONS.indexOf(seconds), 0, 0, failure);
    if (tookMs <= this.#slowMs) return;
    const more = this.#limit.take(this.#name);
    if (more === undefined) return;
    this.#log.warning(
      `Slow operation: ${this.#name} took ${seconds.toFixed(2)} s`,
      {
        operation: this.#name,
        tookMs: Math.round(tookMs),
        slowMs: this.#slowMs,
        ...more,
      },
    );
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function isAsyncGenerator(
  value: unknown,
): value is AsyncGenerator<unknown, unknown> {
  const iterator = value as AsyncGenerator | null | undefined;
  return typeof iterator?.[Symbol.asyncIterator] === "function" &&
    typeof iterator.next === "function" &&
    typeof iterator.return === "function";
}

import { type Clock, systemClock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import type { Log, LogSink } from "../log/log.ts";
import { tellListener } from "../log/tell_listener.ts";
import { BlockLog } from "./block_log.ts";
import { type BlockedCode, BlockProfiler } from "./block_profiler.ts";
import {
  type BlockReport,
  countBlock,
  cpuShareOf,
  isStarved,
  reportOf,
  starvationOf,
  suspectOf,
  type WatchdogStats,
} from "./block_report.ts";
import {
  blockSuspicions,
  type MeasuredRun,
  RecentWork,
  type Suspicion,
  type WatchedWork,
} from "./block_suspects.ts";
import { CpuRecording } from "../profile/cpu_recording.ts";
import {
  type EventLoopBlock,
  EventLoopMonitor,
  type EventLoopStats,
} from "./event_loop_lag.ts";

/** The options of a `Watchdog`. */
export interface WatchdogOptions {
  /** The work in progress that didn't return at once; asked only after a block. */
  inProgress: () => Iterable<WatchedWork>;
  /**
   * The function that a kind of work runs, to find it in a profile.
   * @default a profile names the function that blocked, but no work
   */
  // deno-lint-ignore ban-types
  handlerOf?: (name: string) => Function | undefined;
  /** Is told of every block. */
  onBlock?: (report: BlockReport) => void;
  /**
   * Takes one warning per block.
   * @default nothing is logged
   */
  log?: Log | LogSink;
  /**
   * At most one warning per name is logged in this time, in milliseconds; where
   * there is none, per place in the code or per only suspect. The next one tells
   * in `swallowed` how many were not. All are counted.
   * @default 10000
   */
  logIntervalMs?: number;
  /**
   * The shortest block that counts, in milliseconds.
   * @default 100
   */
  blockedMs?: number;
  /**
   * The time between two looks at the event loop, in milliseconds. A block that was
   * not measured may be longer than `blockedMs` by so much and still not be seen.
   * @default 20
   */
  intervalMs?: number;
  /**
   * From a first block on, have V8's profiler see the next ones, until there was
   * none for ten minutes: it costs a busy server about 1 %, and needs
   * `--allow-sys`.
   * @default true
   */
  profiler?: boolean;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Reads the CPU time of the process, in milliseconds.
   * @default that of `process.cpuUsage()`
   */
  cpuTimeMs?: () => number | undefined;
}

/** How those are read that a server's author may set as well. */
export const WATCHDOG_SETTINGS = {
  onBlock: option.optional<WatchdogOptions["onBlock"]>(),
  logIntervalMs: option.durationMs(10_000),
  blockedMs: option.durationMs(100, 1),
  intervalMs: option.durationMs(20, 1),
  profiler: option.any(true),
  cpuTimeMs: option.optional<WatchdogOptions["cpuTimeMs"]>(),
};

const WATCHDOG_OPTIONS = {
  ...WATCHDOG_SETTINGS,
  inProgress: option.optional<WatchdogOptions["inProgress"]>(),
  handlerOf: option.optional<WatchdogOptions["handlerOf"]>(),
  log: option.optional<WatchdogOptions["log"]>(),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<WatchdogOptions>;

/**
 * Finds out what blocks the event loop, and for how long. Work, such as the
 * calls of a server's tools, is named by one of these, the best first:
 *
 * - what it took until it first waited was measured ({@linkcode Watchdog.ran});
 * - V8's profiler, which runs from a first block on until there was none for ten
 *   minutes, saw its handler on the stack;
 * - it alone was in progress all through the block, and ended with it: then it
 *   is likely, but not certain.
 *
 * Otherwise nothing is named; what can have been it is listed. Where the process
 * had the CPU for less than half of the block, no name is certain; for less than a
 * quarter, the process was starved, which is counted apart, and nothing is named.
 *
 * @example
 * ```ts
 * import { Watchdog } from "@sluice/mcp";
 *
 * await using watchdog = new Watchdog({
 *   inProgress: () => [],
 *   onBlock: ({ blockedMs, location }) => console.error(blockedMs, location),
 * });
 * watchdog.start();
 * ```
 */
export class Watchdog implements AsyncDisposable {
  /** From here on, {@linkcode Watchdog.ran} is worth calling; in milliseconds. */
  readonly blockedMs: number;
  readonly #options: WatchdogOptions;
  readonly #clock: Clock;
  readonly #monitor: EventLoopMonitor;
  readonly #profiler: BlockProfiler | undefined;
  readonly #log: BlockLog | undefined;
  readonly #recent: RecentWork = new RecentWork();
  readonly #stats: WatchdogStats = {
    blocks: 0,
    blockedMs: 0,
    starved: 0,
    starvedMs: 0,
    uncertain: 0,
    byName: new Map(),
    suspected: new Map(),
  };
  #runs: MeasuredRun[] = [];
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * Makes it; nothing is watched before {@linkcode Watchdog.start}.
   *
   * @throws {InvalidOptionError} when an option is refused.
   */
  constructor(options: WatchdogOptions) {
    const { blockedMs, intervalMs, clock, log, ...read } = readOptions(
      "Watchdog",
      options,
      WATCHDOG_OPTIONS,
    );
    this.#options = options;
    this.blockedMs = blockedMs;
    this.#clock = clock;
    this.#log = log && new BlockLog(log, read.logIntervalMs, clock);
    this.#profiler = read.profiler ? new BlockProfiler(clock) : undefined;
    this.#monitor = new EventLoopMonitor({
      intervalMs,
      // A block can begin just after the timer was set.
      blockedMs: Math.max(1, blockedMs - intervalMs),
      clock,
      cpuTimeMs: read.cpuTimeMs,
      onBlocked: (block) => this.#blocked(block),
      onTick: () => this.#forget(),
    });
  }

  /** Begins to watch; does nothing if it already does. */
  start(): void {
    if (!this.#closed) this.#monitor.start();
  }

  /**
   * Notes that some work ran without a pause; for that of at least
   * {@linkcode Watchdog.blockedMs}.
   *
   * @param from When it began, in milliseconds of the clock.
   * @param to When it ended or first waited.
   */
  ran(name: string, from: number, to: number): void {
    if (to - from >= this.blockedMs) this.#runs.push({ name, from, to });
  }

  /**
   * Notes that some work has ended that had waited; costs nanoseconds.
   *
   * @param begunAt When it began, in milliseconds of the clock.
   */
  ended(name: string, begunAt: number, endedAt: number): void {
    this.#recent.add(name, begunAt, endedAt);
  }

  /** The counts so far. */
  get stats(): WatchdogStats {
    return structuredClone(this.#stats);
  }

  /** The event loop's lag. */
  get lag(): EventLoopStats {
    return this.#monitor.stats;
  }

  /** Watches no more, once the last block is reported; what was counted stays. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#monitor.close();
    await this.#looking;
    await this.#profiler?.close();
  }

  /** The same as {@linkcode Watchdog.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #forget(): void {
    this.#recent.clear();
    if (this.#runs.length > 0) this.#runs = [];
  }

  #blocked(block: EventLoopBlock): void {
    const ended = this.#recent.list();
    const work = [...this.#options.inProgress(), ...ended];
    // What ended before the oldest that is kept is not known.
    const from = this.#recent.overflown
      ? Math.min(...ended.map(({ endedAt }) => endedAt!))
      : block.from;
    const runs = [...this.#runs];
    this.#forget();
    const suspicions = blockSuspicions(
      { ...block, from },
      runs,
      work,
      this.blockedMs,
      this.#monitor.intervalMs,
      CpuRecording.lastPause,
    );
    if (suspicions.length === 0) return;
    const cpuShare = cpuShareOf(block, suspicions);
    if (isStarved(cpuShare)) this.#report(starvationOf(block, suspicions));
    else this.#look({ ...block, cpuShare }, suspicions);
  }

  /** Reports at once, or as soon as the profiler has told what it saw. */
  #look(
    block: EventLoopBlock & { cpuShare: number },
    suspicions: Suspicion[],
  ): void {
    const report = (each: Suspicion, seen?: BlockedCode) =>
      this.#report(reportOf(each, block, seen));
    if (this.#profiler?.armed !== true) {
      for (const each of suspicions) report(each);
      this.#arm(suspicions);
      return;
    }
    const looking = this.#profiler.take(
      suspicions.map(({ from, to, suspects }) => ({
        from,
        to,
        handlers: this.#handlersOf(suspects),
      })),
    ).then((seen) =>
      suspicions.forEach((each, index) => report(each, seen[index]))
    );
    this.#looking = Promise.all([this.#looking, looking]).then(() => {});
  }

  /** Has the profiler see the next block; where nobody was at work, nobody is to be found. */
  #arm(suspicions: Suspicion[]): void {
    if (suspicions.every(({ suspects }) => suspects.length === 0)) return;
    const open = suspicions.some(({ measured }) => measured === undefined);
    this.#profiler?.arm().then(() => {
      const why = this.#profiler?.unavailable;
      if (open && why !== undefined) this.#log?.hint(why.message);
    });
  }

  // deno-lint-ignore ban-types
  #handlersOf(names: readonly string[]): Map<string, Function> {
    // deno-lint-ignore ban-types
    const handlers = new Map<string, Function>();
    for (const name of names) {
      const handler = this.#options.handlerOf?.(name);
      if (handler !== undefined) handlers.set(name, handler);
    }
    return handlers;
  }

  #report(report: BlockReport): void {
    this.#count(report);
    tellListener("onBlock", () => this.#options.onBlock?.(report));
    this.#log?.write(report);
  }

  #count(report: BlockReport): void {
    const { name, certain, starved, blockedMs } = report;
    if (starved) {
      this.#stats.starved++;
      this.#stats.starvedMs += blockedMs;
      return;
    }
    this.#stats.blocks++;
    this.#stats.blockedMs += blockedMs;
    if (name !== undefined && certain) {
      countBlock(this.#stats.byName, name, blockedMs);
      return;
    }
    this.#stats.uncertain++;
    const suspect = suspectOf(report);
    if (suspect !== undefined) {
      countBlock(this.#stats.suspected, suspect, blockedMs);
    }
  }
}

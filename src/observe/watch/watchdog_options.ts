import type { Clock } from "../../base/clock.ts";
import type { Log, LogSink } from "../log/log.ts";
import type { BlockReport } from "./block_report.ts";
import type { WatchedWork } from "./block_suspects.ts";

/** How a `Watchdog` watches. */
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
   * What counts as a block, in milliseconds.
   * @default 100
   */
  blockedMs?: number;
  /**
   * How often the event loop is looked after, in milliseconds. A block that was
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
   * Where the time comes from.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Reads the CPU time of the process, in milliseconds.
   * @default that of `process.cpuUsage()`
   */
  cpuTimeMs?: () => number | undefined;
}

import { type Clock, systemClock, type TimerHandle } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { tellListener } from "../log/tell_listener.ts";
import { cpuTimeMs } from "../metrics/process_figures.ts";

/** A time in which the event loop stood still. */
export interface EventLoopBlock {
  /** The delay of the timer, in milliseconds. */
  blockedMs: number;
  /** The time at which the timer last fired before, in milliseconds of the clock. */
  from: number;
  /** The time at which it fired, in milliseconds of the clock. */
  to: number;
  /**
   * The CPU time that the whole process used from `from` to `to`, in
   * milliseconds, where the runtime tells. Little of it means waiting in a
   * synchronous call, or a process that was suspended.
   */
  cpuMs: number | undefined;
}

/** The options of an {@linkcode EventLoopMonitor}. */
export interface EventLoopMonitorOptions {
  /**
   * The time between two measurements, in milliseconds. An idle process wakes up
   * for it, at some 0.1 to 0.2 ms of CPU; to a busy one it costs next to nothing.
   * @default 20
   */
  intervalMs?: number;
  /**
   * The number of latest measurements that the percentiles are of.
   * @default 500
   */
  window?: number;
  /**
   * From which lag on {@linkcode EventLoopMonitorOptions.onBlocked} is called,
   * in milliseconds.
   * @default 100
   */
  blockedMs?: number;
  /** Is told of every block, as soon as it is over. What it throws is warned of. */
  onBlocked?: (block: EventLoopBlock) => void;
  /** Is called at every measurement that found no block. */
  onTick?: () => void;
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

const MONITOR_OPTIONS = {
  intervalMs: option.durationMs(20, 1),
  window: option.integer(500, 1),
  blockedMs: option.durationMs(100, 1),
  onBlocked: option.optional<EventLoopMonitorOptions["onBlocked"]>(),
  onTick: option.optional<EventLoopMonitorOptions["onTick"]>(),
  clock: option.any<Clock>(systemClock),
  cpuTimeMs: option.any(cpuTimeMs),
} satisfies OptionRules<EventLoopMonitorOptions>;

/** The event loop's lag, in milliseconds: the delay of its timers. */
export interface EventLoopStats {
  /** Half of the latest measurements were below. */
  p50Ms: number;
  /** All but one in a hundred of the latest measurements were below. */
  p99Ms: number;
  /** The largest of the latest measurements. */
  maxMs: number;
  /** All lag since the start. */
  totalMs: number;
  /** The number of measurements since the start. */
  ticks: number;
}

/**
 * Measures how late the event loop comes to its timers, by setting one again and
 * again. It doesn't keep the process alive.
 *
 * @example
 * ```ts
 * import { EventLoopMonitor } from "@sluice/mcp";
 *
 * await using monitor = new EventLoopMonitor({
 *   onBlocked: ({ blockedMs }) => console.error(`blocked for ${blockedMs} ms`),
 * });
 * monitor.start();
 * console.log(monitor.stats.p99Ms);
 * ```
 */
export class EventLoopMonitor implements AsyncDisposable {
  /** The time from one measurement to the next, in milliseconds. */
  readonly intervalMs: number;
  readonly #blockedMs: number;
  readonly #onBlocked: ((block: EventLoopBlock) => void) | undefined;
  readonly #onTick: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #cpuTimeMs: () => number | undefined;
  readonly #latest: Float64Array;
  readonly #tick: () => void = () => this.#measure();
  #ticks = 0;
  #totalMs = 0;
  #lastAt = 0;
  #lastCpuMs: number | undefined;
  #timer: TimerHandle | undefined;

  /**
   * Makes it; nothing is measured before {@linkcode EventLoopMonitor.start}.
   *
   * @throws {InvalidOptionError} when an option is refused.
   */
  constructor(options: EventLoopMonitorOptions = {}) {
    const read = readOptions("EventLoopMonitor", options, MONITOR_OPTIONS);
    this.intervalMs = read.intervalMs;
    this.#blockedMs = read.blockedMs;
    this.#latest = new Float64Array(read.window);
    this.#onBlocked = read.onBlocked;
    this.#onTick = read.onTick;
    this.#clock = read.clock;
    this.#cpuTimeMs = read.cpuTimeMs;
  }

  /** Begins to measure; does nothing if it already does. */
  start(): void {
    if (this.#timer === undefined) this.#wait(this.#clock.now());
  }

  /** The lag so far. */
  get stats(): EventLoopStats {
    const sorted = this.#latest.slice(0, this.#ticks).sort();
    const at = (share: number) =>
      sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      totalMs: this.#totalMs,
      ticks: this.#ticks,
    };
  }

  /** Measures no more; what was measured stays. */
  close(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    return Promise.resolve();
  }

  /** The same as {@linkcode EventLoopMonitor.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wait(now: number): void {
    this.#lastAt = now;
    this.#lastCpuMs = this.#cpuTimeMs();
    this.#timer = this.#clock.setTimeout(this.#tick, this.intervalMs, {
      keepAlive: false,
    });
  }

  #measure(): void {
    const from = this.#lastAt;
    const to = this.#clock.now();
    const lagMs = Math.max(0, to - from - this.intervalMs);
    this.#latest[this.#ticks++ % this.#latest.length] = lagMs;
    this.#totalMs += lagMs;
    const cpuBefore = this.#lastCpuMs;
    this.#wait(to);
    if (lagMs < this.#blockedMs) {
      tellListener("onTick", () => this.#onTick?.());
      return;
    }
    const cpuMs = cpuBefore === undefined || this.#lastCpuMs === undefined
      ? undefined
      : this.#lastCpuMs - cpuBefore;
    tellListener(
      "onBlocked",
      () => this.#onBlocked?.({ blockedMs: lagMs, from, to, cpuMs }),
    );
  }
}

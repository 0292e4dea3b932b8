import { type Clock, systemClock } from "../base/clock.ts";
import { ClosedError, QueueFullError, TimeoutError } from "../base/errors.ts";
import {
  checkGiven,
  option,
  type OptionRules,
  readOptions,
} from "../base/option_rules.ts";
import { checkLimit } from "../base/options.ts";
import {
  counter,
  gauge,
  instruments,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";
import { WaitQueue } from "./wait_queue.ts";

/** Figures of semaphores, for operators, if they are named. */
const semaphoreKind = {
  kind: "semaphore",
  measures: {
    permits: gauge("How many may hold a permit at once, if that is limited."),
    active: gauge("How many hold a permit."),
    waiting: gauge("Callers in line."),
    acquired: counter("Permits given."),
    rejected: counter("Callers that found the line full."),
    timeouts: counter("Callers that waited too long."),
    aborted: counter("Callers that gave up by their signal."),
  },
};

/** Options of a {@linkcode Semaphore}. */
export interface SemaphoreOptions {
  /**
   * Name in metrics and errors; metrics leave one without a name out.
   * @default "semaphore"
   */
  name?: string;
  /**
   * Number of callers that may wait; one more is refused with a
   * {@linkcode QueueFullError}. `Infinity` for no limit.
   * @default Infinity
   */
  maxWaiting?: number;
  /**
   * Time that a caller waits, in milliseconds, before a
   * {@linkcode TimeoutError}; `Infinity` for as long as it takes.
   * @default Infinity
   */
  acquireTimeoutMs?: number;
  /**
   * Milliseconds after which a line that never empties is taken for overload.
   * From then on the newest in it is served first: it can still be served in
   * time, whatever callers take for that, and the oldest is likely to have given
   * up.
   * @default Infinity
   */
  newestFirstAfterMs?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const SEMAPHORE_OPTIONS = {
  name: option.any("semaphore"),
  maxWaiting: option.limit(Infinity, 0),
  newestFirstAfterMs: option.timeoutMs(Infinity),
  acquireTimeoutMs: option.timeoutMs(Infinity),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<SemaphoreOptions>;

/** Options of one caller's wait for a permit. */
export interface SemaphoreAcquireOptions {
  /** Gives the place in the queue up, rejecting with its reason. */
  signal?: AbortSignal;
  /** Overrides the semaphore's `acquireTimeoutMs` for this caller. */
  timeoutMs?: number;
}

const ACQUIRE_OPTIONS = {
  signal: option.signal,
  timeoutMs: option.timeoutMs(Infinity),
} satisfies OptionRules<SemaphoreAcquireOptions>;

/** Statistics of a {@linkcode Semaphore}. */
export interface SemaphoreStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Number of callers that may hold a permit at once. */
  permits: number;
  /** Number of callers that hold one now. */
  active: number;
  /** Number of callers that wait for one now. */
  waiting: number;
  /** Number of permits ever given. */
  acquired: number;
  /** Number of callers that found the queue full. */
  rejected: number;
  /** Number of callers that waited longer than `acquireTimeoutMs`. */
  timedOut: number;
  /** Number of callers that gave up by their signal. */
  aborted: number;
  /** Milliseconds since which there is a line; 0 without one. */
  standingMs: number;
}

/** The right to go on, until released; releasing it again does nothing. */
export interface Permit extends Disposable {
  /** Gives the permit to the next in line. */
  release(): void;
}

/**
 * Lets at most `permits` callers go on at a time; the others wait in line, first
 * come first served, or under overload the other way round
 * ({@linkcode SemaphoreOptions.newestFirstAfterMs}).
 *
 * @example
 * ```ts
 * import { Semaphore } from "@sluice/mcp";
 *
 * const semaphore = new Semaphore(10, { maxWaiting: 100 });
 * await semaphore.use(() => Promise.resolve("one of ten at a time"));
 *
 * using _permit = await semaphore.acquire({ signal: AbortSignal.timeout(50) });
 * ```
 */
export class Semaphore {
  readonly #permits: number;
  readonly #name: string;
  readonly #maxWaiting: number;
  readonly #acquireTimeoutMs: number;
  readonly #newestFirstAfterMs: number;
  readonly #clock: Clock;
  readonly #queue: WaitQueue<unknown, () => unknown>;
  readonly #untrack: (() => void) | undefined;
  #active = 0;
  #acquired = 0;
  #rejected = 0;
  readonly #left = { timedOut: 0, aborted: 0 };
  #closed = false;
  /** Time at which the line began. */
  #standsFrom = 0;

  /**
   * All permits are free at first.
   *
   * @param permits How many may go on at once; `Infinity` only counts them.
   * @throws {InvalidOptionError} when a limit is not a number it could keep.
   */
  constructor(permits: number, options: SemaphoreOptions = {}) {
    const read = readOptions("Semaphore", options, SEMAPHORE_OPTIONS);
    const { name, clock } = read;
    this.#permits = checkLimit("permits", permits, 1);
    this.#name = name;
    this.#maxWaiting = read.maxWaiting;
    this.#acquireTimeoutMs = read.acquireTimeoutMs;
    this.#newestFirstAfterMs = read.newestFirstAfterMs;
    this.#clock = clock;
    this.#queue = new WaitQueue(clock, {
      left: (why) => this.#left[why]++,
      late: (timeoutMs) => new TimeoutError(`waiting for ${name}`, timeoutMs),
    });
    if (options.name !== undefined) {
      this.#untrack = instruments.track(
        semaphoreKind,
        { name },
        this,
        shownOf,
      );
    }
  }

  /**
   * Waits for a permit.
   *
   * @throws {QueueFullError} when `maxWaiting` callers wait already.
   * @throws {TimeoutError} after `acquireTimeoutMs`.
   * @throws {ClosedError} once closed.
   * @throws {InvalidOptionError} at once, naming the option.
   */
  acquire(options?: SemaphoreAcquireOptions): Promise<Permit> {
    return this.#enter(this.#permit, options);
  }

  /** Takes a permit if one is free, without waiting. */
  tryAcquire(): Permit | undefined {
    if (this.#closed || this.#active >= this.#permits) return undefined;
    this.#take();
    return this.#permit();
  }

  /**
   * Waits for a permit, runs `fn` and releases the permit whatever came of it.
   *
   * @throws as {@linkcode Semaphore.acquire} does.
   */
  use<T>(
    fn: () => T | Promise<T>,
    options?: SemaphoreAcquireOptions,
  ): Promise<T> {
    return this.#enter(() => this.#run(fn), options);
  }

  /** Refuses all new callers and those in line; permits that are out stay good. */
  close(): void {
    this.#closed = true;
    this.#queue.reject(new ClosedError(this.#name));
    this.#untrack?.();
  }

  /** True if one more caller could not even wait. */
  get isFull(): boolean {
    return this.#active >= this.#permits &&
      this.#queue.size >= this.#maxWaiting;
  }

  /** A snapshot of the counters. */
  get stats(): SemaphoreStats {
    return {
      name: this.#name,
      permits: this.#permits,
      active: this.#active,
      waiting: this.#queue.size,
      acquired: this.#acquired,
      rejected: this.#rejected,
      ...this.#left,
      standingMs: this.#standingMs,
    };
  }

  /** Calls `onTurn` as soon as there is a place among the active. */
  #enter<T>(
    onTurn: () => T | Promise<T>,
    options: SemaphoreAcquireOptions | undefined,
  ): Promise<T> {
    if (options !== undefined) checkGiven("acquire", options, ACQUIRE_OPTIONS);
    const signal = options?.signal;
    if (this.#closed) return Promise.reject(new ClosedError(this.#name));
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#active < this.#permits) {
      this.#take();
      return Promise.resolve(onTurn());
    }
    if (this.isFull) {
      this.#rejected++;
      return Promise.reject(new QueueFullError(this.#name, this.#maxWaiting));
    }
    if (this.#queue.size === 0) this.#standsFrom = this.#clock.now();
    const timeoutMs = options?.timeoutMs ?? this.#acquireTimeoutMs;
    return this.#queue.wait(onTurn, signal, timeoutMs) as Promise<T>;
  }

  get #standingMs(): number {
    return this.#queue.size === 0 ? 0 : this.#clock.now() - this.#standsFrom;
  }

  get #overloaded(): boolean {
    return this.#newestFirstAfterMs !== Infinity && this.#queue.size > 0 &&
      this.#standingMs >= this.#newestFirstAfterMs;
  }

  #take(): void {
    this.#active++;
    this.#acquired++;
  }

  async #run<T>(fn: () => T | Promise<T>): Promise<T> {
    try {
      return await fn();
    } finally {
      this.#release();
    }
  }

  /** Hands the place to the next in line, so that nobody can overtake it. */
  readonly #release = (): void => {
    const waiter = this.#queue.next(this.#overloaded);
    if (waiter === undefined) {
      this.#active--;
    } else {
      this.#acquired++;
      waiter.resolve(waiter.ticket());
    }
  };

  readonly #permit = (): Permit => new HeldPermit(this.#release);
}

function shownOf(
  { stats }: Semaphore,
): InstrumentValues<keyof typeof semaphoreKind.measures> {
  const { permits, active, waiting, acquired, rejected, timedOut, aborted } =
    stats;
  return {
    permits: permits === Infinity ? undefined : permits,
    active,
    waiting,
    acquired,
    rejected,
    timeouts: timedOut,
    aborted,
  };
}

class HeldPermit implements Permit {
  #release: (() => void) | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

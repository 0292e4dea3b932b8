/** A timer handle, meaningful only to the {@linkcode Clock} that gave it. */
export type TimerHandle = unknown;

/** Options of a timer beside its delay. */
export interface TimerOptions {
  /**
   * Keep the process alive until the timer fires.
   * @default true
   */
  keepAlive?: boolean;
}

/**
 * Source of the time and of timers. Everything that waits takes
 * one, so that a test can move time by hand.
 *
 * @example
 * ```ts
 * import { type Clock, systemClock } from "@sluice/mcp";
 *
 * const frozen: Clock = { ...systemClock, now: () => 0 };
 * ```
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. */
  now(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  setTimeout(
    callback: () => void,
    delayMs: number,
    options?: TimerOptions,
  ): TimerHandle;
  /** Forgets a timer; a handle that already fired is ignored. */
  clearTimeout(handle: TimerHandle): void;
}

/** The longest delay that runtimes keep: they let a longer one fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout(callback, delayMs, options) {
    if (delayMs > MAX_DELAY_MS) {
      return new LongTimer(callback, delayMs, options);
    }
    const handle = setTimeout(callback, delayMs);
    if (options?.keepAlive === false) releaseTimer(handle);
    return handle;
  },
  clearTimeout(handle) {
    if (handle instanceof LongTimer) handle.clear();
    else clearTimeout(handle as number);
  },
};

/** Waits for weeks, in steps that a runtime keeps. */
class LongTimer {
  #step: TimerHandle;

  constructor(
    callback: () => void,
    delayMs: number,
    options: TimerOptions | undefined,
  ) {
    this.#step = systemClock.setTimeout(
      () => {
        this.#step = systemClock.setTimeout(
          callback,
          delayMs - MAX_DELAY_MS,
          options,
        );
      },
      MAX_DELAY_MS,
      options,
    );
  }

  clear(): void {
    systemClock.clearTimeout(this.#step);
  }
}

/** Lets the process end while the timer waits, where the runtime can do that. */
function releaseTimer(handle: unknown): void {
  if (typeof handle === "number") {
    (globalThis as { Deno?: { unrefTimer?(id: number): void } }).Deno
      ?.unrefTimer?.(handle);
  } else {
    (handle as { unref?(): void }).unref?.();
  }
}

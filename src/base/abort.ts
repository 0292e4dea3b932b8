import { type Clock, systemClock } from "./clock.ts";

/**
 * Waits for `promise`, or rejects with the signal's reason as soon as it
 * aborts. What the promise does after that is its own affair: a late rejection
 * is swallowed.
 */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", onAbort)
    );
  });
}

/** Options of a {@linkcode sleep}. */
export interface SleepOptions {
  /** Ends the wait early by rejecting with its reason. */
  signal?: AbortSignal;
  /** @default systemClock */
  clock?: Clock;
}

/** Resolves after `delayMs` milliseconds. */
export function sleep(
  delayMs: number,
  { signal, clock = systemClock }: SleepOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clock.clearTimeout(handle);
      reject(signal!.reason);
    };
    const handle = clock.setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

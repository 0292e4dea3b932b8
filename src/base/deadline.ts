import { abortable } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";
import { TimeoutError } from "./errors.ts";
import { checkDurationMs } from "./options.ts";

/** What a {@linkcode deadline} may be told. */
export interface DeadlineOptions {
  /** Ends the work early; its reason becomes the rejection. */
  signal?: AbortSignal;
  /**
   * What the error says took too long.
   * @default "the operation"
   */
  name?: string;
  /**
   * Where the time comes from.
   * @default systemClock
   */
  clock?: Clock;
}

/**
 * Runs `fn` for at most `timeoutMs` milliseconds. Its signal aborts when the
 * time is up or the caller gives up, and the caller is told at once, whether or
 * not `fn` heeds the signal.
 *
 * @example
 * ```ts
 * import { deadline } from "@sluice/mcp";
 *
 * const answer = await deadline(async (signal) => {
 *   signal.throwIfAborted();
 *   return await Promise.resolve(42);
 * }, 500, { name: "the question" });
 * ```
 *
 * @throws {TimeoutError} when the time is up.
 * @throws {InvalidOptionError} when `timeoutMs` is negative or not a number.
 */
export async function deadline<T>(
  fn: (signal: AbortSignal) => T | Promise<T>,
  timeoutMs: number,
  { signal, name = "the operation", clock = systemClock }: DeadlineOptions = {},
): Promise<T> {
  checkDurationMs("timeoutMs", timeoutMs);
  signal?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = clock.setTimeout(
    () => controller.abort(new TimeoutError(name, timeoutMs)),
    timeoutMs,
  );
  try {
    return await abortable(
      Promise.resolve(fn(controller.signal)),
      controller.signal,
    );
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

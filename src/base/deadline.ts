import { abortable } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";
import { TimeoutError } from "./errors.ts";
import { option, type OptionRules, readOptions } from "./option_rules.ts";
import { checkDurationMs } from "./options.ts";

/** Options of a {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early; its reason becomes the rejection. */
  signal?: AbortSignal | undefined;
  /**
   * Name of the operation in the error.
   * @default "the operation"
   */
  name?: string;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Keep the process alive until the time is up.
   * @default true
   */
  keepAlive?: boolean;
}

const DEADLINE_OPTIONS = {
  signal: option.signal,
  name: option.any("the operation"),
  clock: option.any<Clock>(systemClock),
  keepAlive: option.optional<boolean>(),
} satisfies OptionRules<DeadlineOptions>;

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
 * @throws {InvalidOptionError} when `timeoutMs` is negative or not a number, or an
 * option is none.
 */
export async function deadline<T>(
  fn: (signal: AbortSignal) => T | Promise<T>,
  timeoutMs: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const { name, signal, keepAlive, clock } = readOptions(
    "deadline",
    options,
    DEADLINE_OPTIONS,
  );
  checkDurationMs("timeoutMs", timeoutMs);
  signal?.throwIfAborted();
  const controller = new AbortController();
  const giveUp = () => {
    clock.clearTimeout(timer);
    controller.abort(signal!.reason);
  };
  const timer = clock.setTimeout(
    () => controller.abort(new TimeoutError(name, timeoutMs)),
    timeoutMs,
    { keepAlive },
  );
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await abortable(
      Promise.resolve(fn(controller.signal)),
      controller.signal,
    );
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * Waits until the promise resolves or `limitMs` milliseconds are over, and says
 * which: `true` if it resolved. That the time is up is no error.
 */
export async function waitAtMost(
  promise: Promise<unknown>,
  limitMs: number,
  { signal, clock = systemClock, keepAlive }: Omit<DeadlineOptions, "name"> =
    {},
): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const timer = clock.setTimeout(() => over.resolve(false), limitMs, {
    keepAlive,
  });
  const resolved = promise.then(() => true);
  try {
    return await abortable(Promise.race([resolved, over.promise]), signal);
  } finally {
    clock.clearTimeout(timer);
  }
}

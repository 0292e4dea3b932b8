import { abortable } from "./abort.ts";
import type { Clock } from "./clock.ts";

/** How long to wait, and what ends the wait. */
export interface WaitOptions {
  readonly limitMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Waits until the promise resolves or the time is over, whichever is first. */
export async function waitAtMost(
  promise: Promise<unknown>,
  { limitMs, clock, signal }: WaitOptions,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = clock.setTimeout(over.resolve, limitMs);
  try {
    await abortable(Promise.race([promise, over.promise]), signal);
  } finally {
    clock.clearTimeout(timer);
  }
}

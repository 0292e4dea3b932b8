/** Options of the wait between one failure and the next try. */
export interface BackoffOptions {
  /** Before the second try, in milliseconds; doubled after each failure. */
  firstMs: number;
  /** Bound of the doubling, in milliseconds. */
  maxMs: number;
  /** From 0 to 1. */
  random: () => number;
}

/**
 * The wait after `failures` failures in a row: half of it fixed, half of it
 * random, so that those who failed together don't come back together.
 */
export function backoffMs(
  failures: number,
  { firstMs, maxMs, random }: BackoffOptions,
): number {
  const wholeMs = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return wholeMs / 2 + random() * wholeMs / 2;
}

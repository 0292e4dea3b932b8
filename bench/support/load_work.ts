/** The work of the tools that `bench/overload.ts` calls. */

/** Holds the thread for 10 ms, however fast the machine is. */
export function compute(): void {
  const until = performance.now() + 10;
  while (performance.now() < until);
}

/** Waits, as for a database. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

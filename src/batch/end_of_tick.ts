/** Calls `flush` once what is running now, and all it awaits of its own, is through. */
export type BatchSchedule = (flush: () => void) => void;

interface Runtime {
  process?: { nextTick?(callback: () => void): void };
  setImmediate?(callback: () => void): void;
}

/**
 * After the microtasks: callers that are a few awaits apart still meet, and
 * nobody waits for the outside world. A tick that is asked for from within a
 * microtask comes when they are through; a runtime without ticks has its turn
 * of the event loop, which is later.
 */
export const endOfTick: BatchSchedule = (flush): void =>
  (tick ??= findTick())(flush);

const settled = Promise.resolve();

/** Looked for at the first use: merely reading `process` costs Deno 11 ms (bench/startup.ts). */
let tick: BatchSchedule | undefined;

function findTick(): BatchSchedule {
  const { process, setImmediate } = globalThis as Runtime;
  return process?.nextTick !== undefined
    ? (flush) => settled.then(() => process.nextTick!(flush))
    : setImmediate ?? ((flush) => setTimeout(flush, 0));
}

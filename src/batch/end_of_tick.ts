/** Calls `flush` once what is running now, and all it awaits of its own, is through. */
export type BatchSchedule = (flush: () => void) => void;

const { setImmediate } = globalThis as {
  setImmediate?: (callback: () => void) => unknown;
};

/**
 * The next turn of the event loop. A microtask would be too early: callers that
 * are a few awaits apart would miss each other's batch.
 */
export const endOfTick: BatchSchedule = setImmediate ??
  ((flush) => setTimeout(flush, 0));

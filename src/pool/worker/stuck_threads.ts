/**
 * The threads of this process that compute on though they were asked to end, and
 * take a core from whatever else runs here. No runtime can stop them: while there
 * are any, no server of the process is ready.
 */
export const stuckThreads: Set<object> = new Set();

import { counter, gauge } from "../../observe/metrics/instruments.ts";

/** The figures of pools of workers. */
export const workerKind = {
  kind: "worker_pool",
  measures: {
    max: gauge("How many workers there may be at once."),
    size: gauge("All workers, those that start and those that end included."),
    idle: gauge("Workers that wait for a call."),
    busy: gauge("Workers at work."),
    waiting: gauge("Calls in line for a worker."),
    stuck: gauge("Threads that compute on though they were asked to end."),
    calls: counter("Calls that were given to a worker."),
    failed: counter("Calls that ended with an error."),
    timeouts: counter("Calls that took longer than they might."),
    rejected: counter("Calls that found the line full."),
    started: counter("Workers that were started."),
    start_errors: counter("Workers that could not be started."),
    crashed: counter("Workers that ended and were not asked to."),
  },
};

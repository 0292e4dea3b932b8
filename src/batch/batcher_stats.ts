import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";

/** Figures of a `Batcher`. */
export interface BatcherStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** Times that a key was asked for. */
  loads: number;
  /** Keys handed to the loader. */
  keys: number;
  /** Batches handed to the loader. */
  batches: number;
  /** Keys in the largest of them. */
  largestBatch: number;
  /** Batches being loaded now. */
  running: number;
  /** Keys that wait to be loaded now. */
  waiting: number;
  /** Batches that failed as a whole, time-outs among them. */
  failedBatches: number;
  /** Keys that failed on their own. */
  failedKeys: number;
  /** Batches given up because all their callers had left. */
  abandonedBatches: number;
}

/** The kind of instrument that operators see. */
export const batcherKind = {
  kind: "batcher",
  measures: {
    loads: counter("Times a key was asked for."),
    keys: counter("Keys handed to the loader."),
    batches: counter("Batches handed to the loader."),
    failed_batches: counter("Batches that failed as a whole."),
    failed_keys: counter("Keys that failed on their own."),
    abandoned_batches: counter("Batches that all their callers left."),
    running: gauge("Batches being loaded."),
    waiting: gauge("Keys that wait to be loaded."),
  },
};

/** The figures of that kind. */
export function batcherValues(
  { stats }: { readonly stats: BatcherStats },
): InstrumentValues<keyof typeof batcherKind.measures> {
  const { loads, keys, batches, running, waiting } = stats;
  return {
    loads,
    keys,
    batches,
    failed_batches: stats.failedBatches,
    failed_keys: stats.failedKeys,
    abandoned_batches: stats.abandonedBatches,
    running,
    waiting,
  };
}

import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/instruments.ts";

/** What a `Batcher` has done so far. */
export interface BatcherStats {
  /** Its `name` option, to tell its figures from another's. */
  name: string;
  /** How many times a key was asked for. */
  loads: number;
  /** How many keys were handed to the loader. */
  keys: number;
  /** How many batches were. */
  batches: number;
  /** The largest of them. */
  largestBatch: number;
  /** How many batches are being loaded now. */
  running: number;
  /** How many keys wait to be loaded now. */
  waiting: number;
  /** How many batches failed as a whole, time-outs among them. */
  failedBatches: number;
  /** How many keys failed on their own. */
  failedKeys: number;
  /** How many batches were given up because all their callers had left. */
  abandonedBatches: number;
}

/** What operators see of batchers. */
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

/** What a Batcher shows. */
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

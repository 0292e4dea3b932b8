import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";
import type { BatcherStats } from "./batcher_stats.ts";

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

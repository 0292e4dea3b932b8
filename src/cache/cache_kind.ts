import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";

/**
 * Figures of caches, for operators. The label `type` says of what a figure is:
 * `memory`, `redis`, `tiered`, or a `cached` function, whose calls count apart
 * from the reads of a cache that it shares with others.
 */
export const cacheKind = {
  kind: "cache",
  measures: {
    hits: counter("Reads that were given a value."),
    stale_hits: counter("Of the hits, those that served a stale value."),
    memory_hits: counter("Of the hits, those served by the memory tier."),
    misses: counter("Reads that were given no value."),
    coalesced: counter("Calls that joined a search or load under way."),
    negative_hits: counter("Calls that were thrown a remembered error."),
    loads: counter("Times the cached function was called."),
    load_errors: counter("Of the loads, those that failed."),
    uncacheable: counter("Loaded values that the cache refused."),
    sets: counter("Values that were to be kept."),
    evictions: counter("Entries that went to make room."),
    expirations: counter("Entries found past their time."),
    rejected: counter("Values that were bigger than the cache."),
    changes_heard: counter("Changes by other processes that were heard of."),
    flushes: counter(
      "Times memory was emptied because changes may have been missed.",
    ),
    lost_changes: counter(
      "Changes that were too many to remember until Redis came back.",
    ),
    entries: gauge("Entries in memory."),
    bytes: gauge("Bytes of the entries in memory, where they are bounded."),
    loading: gauge("Searches and loads under way."),
    pending_changes: gauge("Changes that Redis hasn't been told of yet."),
    incoherent: gauge(
      "1 while changes by other processes may go unheard, else 0.",
    ),
  },
};

/** The figures of one cache. */
export type CacheValues = InstrumentValues<keyof typeof cacheKind.measures>;

/** The part of a cache's statistics that tells what is, or was, in memory. */
export interface HeldStats {
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
  readonly expirations: number;
  readonly rejected: number;
}

/** Figures of what is, or was, in memory. */
export function heldValues(
  { entries, bytes, evictions, expirations, rejected }: HeldStats,
): CacheValues {
  return { entries, bytes, evictions, expirations, rejected };
}

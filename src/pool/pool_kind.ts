import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/metrics/instruments.ts";
import type { PoolStats } from "./pool_options.ts";

/** The figures of pools, those of PostgreSQL's connections included. */
export const poolKind = {
  kind: "pool",
  measures: {
    min: gauge("How many items are kept warm."),
    max: gauge("How many items there may be at once."),
    size: gauge("All items, those being made and being destroyed included."),
    idle: gauge("Items that wait to be lent."),
    in_use: gauge("Items lent."),
    creating: gauge("Items being made."),
    waiting: gauge("Callers in line."),
    acquired: counter("Leases given."),
    created: counter("Items made."),
    destroyed: counter("Items that are gone."),
    create_errors: counter("Items whose making failed or took too long."),
    destroy_errors: counter("Items whose destroying failed or took too long."),
    invalid: counter("Idle items that were found bad."),
    discarded: counter("Items that their callers found bad."),
    rejected: counter("Callers that found the line full."),
    timeouts: counter("Callers that waited too long."),
    aborted: counter("Callers that gave up by their signal."),
    held_too_long: counter("Items held for longer than heldWarningMs."),
  },
};

/** Reads the figures of a Pool. */
export function poolValues(
  { stats }: { readonly stats: PoolStats },
): InstrumentValues<keyof typeof poolKind.measures> {
  const { min, max, size, idle, creating, waiting } = stats;
  const { acquired, created, destroyed, invalid, discarded } = stats;
  return {
    min,
    max,
    size,
    idle,
    in_use: stats.inUse,
    creating,
    waiting,
    acquired,
    created,
    destroyed,
    create_errors: stats.createErrors,
    destroy_errors: stats.destroyErrors,
    invalid,
    discarded,
    rejected: stats.rejected,
    timeouts: stats.timedOut,
    aborted: stats.aborted,
    held_too_long: stats.heldTooLong,
  };
}

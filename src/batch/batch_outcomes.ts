import { BatchKeyMissingError, BatchResultsError } from "../base/errors.ts";
import type { Batch } from "./batch.ts";
import type { BatcherSettings, BatchResults } from "./batch_options.ts";

/** Finds the outcome of a batch's key, given what makes it unique and its place. */
export type BatchOutcomes<V> = (
  identity: unknown,
  index: number,
) => V | Error;

/**
 * Maps what a loader returned back to the keys of its batch.
 *
 * @throws {BatchResultsError} when that can't be done.
 */
export function outcomesOf<K, V>(
  batch: Batch<K, V>,
  results: BatchResults<V>,
  settings: BatcherSettings<K, V>,
): BatchOutcomes<V> {
  const { name, resultKey } = settings;
  if (results instanceof Map) return outcomesByKey(batch, results, settings);
  if (!Array.isArray(results)) throw new BatchResultsError(name, batch.size);
  if (resultKey !== undefined) {
    const values = new Map(results.map((value) => [resultKey(value), value]));
    return outcomesByKey(batch, values, settings);
  }
  if (results.length !== batch.size) {
    throw new BatchResultsError(name, batch.size, results.length);
  }
  return (_identity, index) => results[index];
}

function outcomesByKey<K, V>(
  batch: Batch<K, V>,
  values: ReadonlyMap<unknown, V | Error>,
  { name, missing }: BatcherSettings<K, V>,
): BatchOutcomes<V> {
  return (identity) => {
    if (values.has(identity)) return values.get(identity) as V | Error;
    const { key } = batch.get(identity)!;
    return missing === undefined
      ? new BatchKeyMissingError(name, key)
      : missing(key);
  };
}

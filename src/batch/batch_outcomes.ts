import { BatchKeyMissingError, BatchResultsError } from "../base/errors.ts";
import type { Batch } from "./batch.ts";
import type { BatcherSettings, BatchResults } from "./batch_options.ts";

/**
 * Puts what a loader returned in the order of its batch's keys.
 *
 * @throws {BatchResultsError} when that can't be done.
 */
export function outcomesOf<K, V>(
  batch: Batch<K, V>,
  results: BatchResults<V>,
  settings: BatcherSettings<K, V>,
): readonly (V | Error)[] {
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
  return results;
}

function outcomesByKey<K, V>(
  batch: Batch<K, V>,
  values: ReadonlyMap<unknown, V | Error>,
  { name, missing }: BatcherSettings<K, V>,
): (V | Error)[] {
  return batch.entries.map(({ identity, key }) => {
    if (values.has(identity)) return values.get(identity) as V | Error;
    return missing === undefined
      ? new BatchKeyMissingError(name, key)
      : missing(key);
  });
}

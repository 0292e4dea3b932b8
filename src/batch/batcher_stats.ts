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

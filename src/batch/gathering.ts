import { Batch, type BatchEntry } from "./batch.ts";

/**
 * The keys of one partition that a caller can still join: those of the batch
 * that is filling up, of full ones that wait for their turn, and of those that
 * began in this very tick.
 */
export class Gathering<K, V> {
  /** The batch that takes new keys. */
  batch: Batch<K, V> | undefined;
  /**
   * Made anew when the last batch has gone: the garbage collector drags what a
   * cleared Map once held along, and a load takes up to twice as long
   * (bench/batch.ts).
   */
  #entries: Map<unknown, BatchEntry<K, V>> | undefined;
  #batches = 0;

  constructor(readonly partition: unknown) {}

  get isEmpty(): boolean {
    return this.#batches === 0;
  }

  get(identity: unknown): BatchEntry<K, V> | undefined {
    return this.#entries?.get(identity);
  }

  begin(): Batch<K, V> {
    this.#batches++;
    this.#entries ??= new Map();
    return this.batch = new Batch(this.partition);
  }

  add(batch: Batch<K, V>, identity: unknown, key: K): BatchEntry<K, V> {
    const entry = batch.add(identity, key);
    this.#entries!.set(identity, entry);
    return entry;
  }

  forgetEntry(entry: BatchEntry<K, V>): void {
    if (this.get(entry.identity) === entry) {
      this.#entries!.delete(entry.identity);
    }
  }

  forget(batch: Batch<K, V>): void {
    if (this.batch === batch) this.batch = undefined;
    this.#batches--;
    if (this.isEmpty) this.#entries = undefined;
    else for (const entry of batch.entries) this.forgetEntry(entry);
  }
}

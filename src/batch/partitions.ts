import { Batch, type BatchEntry } from "./batch.ts";

/** The keys that callers can join, by partition. */
export class Partitions<K, V> {
  /** For most batchers there is no other: it spares them the Map. */
  readonly #unpartitioned = new Partition<K, V>(undefined);
  readonly #partitioned = new Map<unknown, Partition<K, V>>();

  of(value: unknown): Partition<K, V> {
    if (value === undefined) return this.#unpartitioned;
    return this.#partitioned.get(value) ?? new Partition(value);
  }

  begin(partition: Partition<K, V>): Batch<K, V> {
    if (partition !== this.#unpartitioned) {
      this.#partitioned.set(partition.value, partition);
    }
    return partition.begin();
  }

  /** Calls `visit` with each batch that takes new keys. */
  forEachOpen(visit: (batch: Batch<K, V>) => void): void {
    const { open } = this.#unpartitioned;
    if (open !== undefined) visit(open);
    for (const { open } of this.#partitioned.values()) {
      if (open !== undefined) visit(open);
    }
  }

  /** Lets nobody join the entry any more. */
  forgetEntry(entry: BatchEntry<K, V>): void {
    this.of(entry.batch.partition).forgetEntry(entry);
  }

  /** Lets nobody join the batch's keys any more. */
  forget(batch: Batch<K, V>): void {
    const partition = this.of(batch.partition);
    partition.forget(batch);
    if (partition.isEmpty && partition !== this.#unpartitioned) {
      this.#partitioned.delete(batch.partition);
    }
  }
}

/**
 * The keys of one partition that a caller can still join: those of the batch
 * that is filling up, of full ones that wait for their turn, and of those that
 * began in this very tick.
 */
export class Partition<K, V> {
  /** The batch that takes new keys. */
  open: Batch<K, V> | undefined;
  /**
   * Made anew when the last batch has gone: the garbage collector drags what a
   * cleared Map once held along, and a load takes up to twice as long
   * (bench/batch.ts).
   */
  #entries: Map<unknown, BatchEntry<K, V>> | undefined;
  #batches = 0;

  constructor(readonly value: unknown) {}

  get isEmpty(): boolean {
    return this.#batches === 0;
  }

  get(identity: unknown): BatchEntry<K, V> | undefined {
    return this.#entries?.get(identity);
  }

  begin(): Batch<K, V> {
    this.#batches++;
    this.#entries ??= new Map();
    return this.open = new Batch(this.value);
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
    if (this.open === batch) this.open = undefined;
    this.#batches--;
    if (this.isEmpty) this.#entries = undefined;
    else for (const entry of batch.entries) this.forgetEntry(entry);
  }
}

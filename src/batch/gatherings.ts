import type { Batch, BatchEntry } from "./batch.ts";
import { Gathering } from "./gathering.ts";

/** What gathers, by partition. */
export class Gatherings<K, V> {
  /** For most batchers there is no other: it spares them the Map. */
  readonly #unpartitioned = new Gathering<K, V>(undefined);
  readonly #partitioned = new Map<unknown, Gathering<K, V>>();

  of(partition: unknown): Gathering<K, V> {
    if (partition === undefined) return this.#unpartitioned;
    return this.#partitioned.get(partition) ?? new Gathering(partition);
  }

  begin(gathering: Gathering<K, V>): Batch<K, V> {
    if (gathering !== this.#unpartitioned) {
      this.#partitioned.set(gathering.partition, gathering);
    }
    return gathering.begin();
  }

  /** Calls `visit` with each batch that takes new keys. */
  forEachBatch(visit: (batch: Batch<K, V>) => void): void {
    const { batch } = this.#unpartitioned;
    if (batch !== undefined) visit(batch);
    for (const { batch } of this.#partitioned.values()) {
      if (batch !== undefined) visit(batch);
    }
  }

  /** Lets nobody join the entry any more. */
  forgetEntry(entry: BatchEntry<K, V>): void {
    this.of(entry.batch.partition).forgetEntry(entry);
  }

  /** Lets nobody join the batch's keys any more. */
  forget(batch: Batch<K, V>): void {
    const gathering = this.of(batch.partition);
    gathering.forget(batch);
    if (gathering.isEmpty && gathering !== this.#unpartitioned) {
      this.#partitioned.delete(batch.partition);
    }
  }
}

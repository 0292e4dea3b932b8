import type { Batch } from "./batch.ts";

/**
 * The batches somebody may wait for, in no order. Each knows its place, so that
 * taking it out is a matter of two writes: a Set makes batches of 1 take an
 * eighth longer (bench/batch.ts).
 */
export class UnfinishedBatches<K, V> {
  readonly #batches: Batch<K, V>[] = [];

  add(batch: Batch<K, V>): void {
    batch.place = this.#batches.push(batch) - 1;
  }

  remove({ place }: Batch<K, V>): void {
    const last = this.#batches.pop()!;
    if (place === this.#batches.length) return;
    this.#batches[place] = last;
    last.place = place;
  }

  async whenFinished(): Promise<void> {
    await Promise.all(this.#batches.map(({ whenFinished }) => whenFinished));
  }
}

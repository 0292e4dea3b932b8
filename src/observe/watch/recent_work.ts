import type { WatchedWork } from "./block_suspects.ts";

/** How many endings are kept; with more between two looks, the oldest are forgotten. */
const CAPACITY = 256;

/** The work that ended since the last look; notes an ending without allocating. */
export class RecentWork {
  readonly #names: string[] = new Array(CAPACITY).fill("");
  readonly #begunAt: Float64Array = new Float64Array(CAPACITY);
  readonly #endedAt: Float64Array = new Float64Array(CAPACITY);
  #count = 0;

  add(name: string, begunAt: number, endedAt: number): void {
    const index = this.#count++ % CAPACITY;
    this.#names[index] = name;
    this.#begunAt[index] = begunAt;
    this.#endedAt[index] = endedAt;
  }

  /** Whether some endings are forgotten. */
  get overflown(): boolean {
    return this.#count > CAPACITY;
  }

  /** What is kept, in no order. */
  list(): WatchedWork[] {
    return Array.from({ length: Math.min(this.#count, CAPACITY) }, (_, i) => ({
      name: this.#names[i],
      begunAt: this.#begunAt[i],
      endedAt: this.#endedAt[i],
    }));
  }

  clear(): void {
    this.#count = 0;
  }
}

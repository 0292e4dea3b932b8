import { deadline } from "../base/deadline.ts";
import type { CheckedPoolOptions, PoolCounters } from "./pool_options.ts";

/** Ends a pool's items; one whose `destroy` throws or hangs hurts nobody. */
export class ItemDestroyer<T> {
  readonly #options: CheckedPoolOptions<T>;
  readonly #counters: PoolCounters;
  readonly #onGone: () => void;
  #destroying = 0;

  constructor(
    options: CheckedPoolOptions<T>,
    counters: PoolCounters,
    onGone: () => void,
  ) {
    this.#options = options;
    this.#counters = counters;
    this.#onGone = onGone;
  }

  /** How many items are being destroyed. */
  get destroying(): number {
    return this.#destroying;
  }

  async destroy(item: T): Promise<void> {
    const { destroy, destroyTimeoutMs, name, clock, log } = this.#options;
    this.#destroying++;
    try {
      await deadline(
        async () => await destroy(item),
        destroyTimeoutMs,
        { name: `destroying an item of ${name}`, clock },
      );
    } catch (error) {
      this.#counters.destroyErrors++;
      log.warn(`${name}: destroying an item failed`, error);
    }
    this.#destroying--;
    this.#counters.destroyed++;
    this.#onGone();
  }
}

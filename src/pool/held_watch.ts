import type { Slot } from "./lease.ts";
import type { CheckedPoolOptions, PoolCounters } from "./pool_options.ts";
import { TimedQueue } from "./timed_queue.ts";

/** Warns once of each item that is held for longer than it should be. */
export class HeldWatch<T> {
  readonly #held: TimedQueue<Slot<T>>;

  constructor(options: CheckedPoolOptions<T>, counters: PoolCounters) {
    const { clock, heldWarningMs, log, name } = options;
    this.#held = new TimedQueue(clock, heldWarningMs, (slot) => {
      counters.heldTooLong++;
      log.warn(
        `${name}: an item has been held for more than ${heldWarningMs} ms`,
        slot.taken,
      );
    });
  }

  /** @param taken Whose stack shows where the item was asked for. */
  add(slot: Slot<T>, taken: Error | undefined): void {
    slot.taken = taken;
    this.#held.push(slot);
  }

  delete(slot: Slot<T>): void {
    this.#held.delete(slot);
    slot.taken = undefined;
  }

  stop(): void {
    this.#held.stopWatching();
  }
}

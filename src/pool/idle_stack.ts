import type { TimerHandle } from "../base/clock.ts";
import type { Slot } from "./lease.ts";
import { type CheckedPoolOptions, longestTimerMs } from "./pool_options.ts";

/** The owner of an {@linkcode IdleStack}, who lets items go. */
export interface IdleStackOwner<T> {
  /** Counts the items beyond those that are kept warm. */
  spare(): number;
  /** Takes the items that have lain or lived too long. */
  expire(slots: Slot<T>[]): void;
}

/**
 * The items nobody uses: last in, first out, so the bottom has lain longest.
 * One timer waits for the next that becomes too old.
 */
export class IdleStack<T> {
  readonly #options: CheckedPoolOptions<T>;
  readonly #owner: IdleStackOwner<T>;
  readonly #ages: boolean;
  #slots: Slot<T>[] = [];
  #timer: TimerHandle;
  #timerAt = Infinity;

  constructor(options: CheckedPoolOptions<T>, owner: IdleStackOwner<T>) {
    this.#options = options;
    this.#owner = owner;
    this.#ages = Math.min(options.maxIdleMs, options.maxLifetimeMs) < Infinity;
  }

  get size(): number {
    return this.#slots.length;
  }

  push(slot: Slot<T>): void {
    this.#slots.push(slot);
    if (!this.#ages) return;
    slot.idleSince = this.#options.clock.now();
    this.#wakeAt(this.#expiry(slot));
  }

  pop(): Slot<T> | undefined {
    return this.#slots.pop();
  }

  /** Takes the slot of `item` out, wherever it lies. */
  remove(item: T): Slot<T> | undefined {
    const index = this.#slots.findIndex((slot) => slot.item === item);
    return index === -1 ? undefined : this.#slots.splice(index, 1)[0];
  }

  /** Takes everything out and forgets the timer. */
  empty(): Slot<T>[] {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    return this.#slots.splice(0);
  }

  #expiry(slot: Slot<T>): number {
    return Math.min(slot.idleSince + this.#options.maxIdleMs, slot.diesAt);
  }

  #wakeAt(at: number): void {
    if (at >= this.#timerAt) return;
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = clock.setTimeout(
      this.#sweep,
      Math.min(Math.max(0, at - clock.now()), longestTimerMs),
      { keepAlive: false },
    );
  }

  readonly #sweep = (): void => {
    const now = this.#options.clock.now();
    const expired: Slot<T>[] = [];
    const kept: Slot<T>[] = [];
    let spare = this.#owner.spare();
    let next = Infinity;
    for (const slot of this.#slots) {
      const expiry = this.#expiry(slot);
      if (slot.diesAt <= now || (expiry <= now && spare > 0)) {
        expired.push(slot);
        spare--;
      } else {
        kept.push(slot);
        next = Math.min(next, expiry <= now ? slot.diesAt : expiry);
      }
    }
    this.#slots = kept;
    this.#timerAt = Infinity;
    this.#wakeAt(next);
    this.#owner.expire(expired);
  };
}

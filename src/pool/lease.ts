import { SluiceError } from "../base/errors.ts";
import type { CheckedPoolOptions, PoolCounters } from "./pool_options.ts";
import { TimedEntry, TimedQueue } from "../base/timed_queue.ts";

/** One item of a pool, and what the pool knows of it. */
export class Slot<T> extends TimedEntry {
  uses = 0;
  idleSince = 0;
  /** Where it was last taken; kept only while somebody wants to know. */
  taken: Error | undefined;

  constructor(readonly item: T, readonly diesAt: number) {
    super();
  }
}

/** Where a {@linkcode PoolLease} goes when it ends. */
export interface LeaseHome<T> {
  readonly name: string;
  takeBack(slot: Slot<T>): void;
  throwAway(slot: Slot<T>): void;
}

/**
 * An item of a pool, lent to one caller. The first `release()` or `discard()`
 * ends it; what comes after does nothing, so leaving an `await using` block
 * after a `release()` is fine.
 */
export interface Lease<T> extends Disposable, AsyncDisposable {
  /**
   * The item itself.
   *
   * @throws {LeaseReleasedError} once released: it may be somebody else's by now.
   */
  readonly value: T;
  /** Gives the item back for the next caller. */
  release(): void;
  /** Gives a broken item back: it is destroyed, and nobody gets it again. */
  discard(): void;
}

/** A lease that knows its way home. */
export class PoolLease<T> implements Lease<T> {
  readonly #home: LeaseHome<T>;
  #slot: Slot<T> | undefined;

  constructor(home: LeaseHome<T>, slot: Slot<T>) {
    this.#home = home;
    this.#slot = slot;
  }

  get value(): T {
    if (this.#slot === undefined) throw new LeaseReleasedError(this.#home.name);
    return this.#slot.item;
  }

  release(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    this.#home.takeBack(slot);
  }

  discard(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    this.#home.throwAway(slot);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return released;
  }
}

const released = Promise.resolve();

/** A lease was used after it had been released or discarded. */
export class LeaseReleasedError extends SluiceError {
  /** The class, by name. */
  override readonly name = "LeaseReleasedError";

  /** Names the pool that the item belongs to. */
  constructor(pool: string) {
    super(
      "SLUICE_LEASE_RELEASED",
      `this lease of ${pool} has been released and can't be used any more`,
    );
  }
}

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

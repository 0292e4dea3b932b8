import { abortable } from "../base/abort.ts";
import { ClosedError, QueueFullError, TimeoutError } from "../base/errors.ts";
import { checkGiven } from "../base/option_rules.ts";
import { WaitQueue } from "../limit/wait_queue.ts";
import type { HealthCheckable } from "../observe/health/health_checkable.ts";
import type { HealthResult } from "../observe/health/health_check.ts";
import { instruments } from "../observe/metrics/instruments.ts";
import { IdleStack } from "./idle_stack.ts";
import {
  HeldWatch,
  type Lease,
  type LeaseHome,
  PoolLease,
  type Slot,
} from "./lease.ts";
import { isGood, isWorn, ItemDestroyer, ItemMaker } from "./pool_items.ts";
import { poolKind, poolValues } from "./pool_kind.ts";
import {
  ACQUIRE_OPTIONS,
  type AcquireOptions,
  type CheckedPoolOptions,
  checkPoolOptions,
  type DrainOptions,
  newPoolCounters,
  type PoolOptions,
  type PoolStats,
} from "./pool_options.ts";

/**
 * Shares items that are dear to make: connections, workers, parsers. Callers
 * are served first come first served, and get the item that was used last, so
 * that those nobody needs grow old and go.
 *
 * When things go wrong:
 * - A failed `create` is followed by a pause that doubles with each failure,
 *   then by one try at a time. Its error reaches everybody in line, or, while
 *   other items may still come, the first in line.
 * - A `create` that takes too long has failed; if it answers after all, that
 *   item is destroyed.
 * - A `destroy` that throws or hangs is counted and logged; its place is free.
 *
 * @example
 * ```ts
 * import { Pool } from "@sluice/mcp";
 *
 * await using pool = new Pool({
 *   create: () => new TextDecoder(),
 *   max: 4,
 * });
 * {
 *   await using decoder = await pool.acquire();
 *   decoder.value.decode(new Uint8Array([104, 105]));
 * }
 * await pool.use((decoder) => decoder.decode(new Uint8Array([104, 105])));
 * ```
 */
export class Pool<T> implements AsyncDisposable, HealthCheckable {
  readonly #options: CheckedPoolOptions<T>;
  readonly #counters = newPoolCounters();
  readonly #maker: ItemMaker<T>;
  readonly #destroyer: ItemDestroyer<T>;
  readonly #idle: IdleStack<T>;
  /** Each with where it asked, while somebody wants to know. */
  readonly #line: WaitQueue<Lease<T>, Error | undefined>;
  readonly #held: HeldWatch<T> | undefined;
  readonly #home: LeaseHome<T>;
  readonly #untrack: () => void;
  #state: "open" | "draining" | "closed" = "open";
  #inUse = 0;
  #validating = 0;
  #changed: PromiseWithResolvers<void> | undefined;

  /**
   * Begins at once to make `min` items.
   *
   * @throws {InvalidOptionError} when an option makes no sense.
   */
  constructor(options: PoolOptions<T>) {
    const checked = this.#options = checkPoolOptions(options);
    const { name, clock, acquireTimeoutMs } = checked;
    const counters = this.#counters;
    this.#maker = new ItemMaker(checked, {
      made: (slot) => this.#addMade(slot),
      failed: (error) => this.#passFailureOn(error),
      ready: () => this.#pump(),
      late: (item) => this.#destroyer.destroy(item),
    });
    this.#destroyer = new ItemDestroyer(checked, counters, () => this.#pump());
    this.#idle = new IdleStack(checked, {
      spare: () => this.#lasting - checked.min,
      expire: (slots) => this.#retire(slots),
    });
    this.#line = new WaitQueue(clock, {
      left: (why) => {
        counters[why]++;
        this.#notify();
      },
      late: (timeoutMs) =>
        new TimeoutError(`waiting for an item of ${name}`, timeoutMs, {
          cause: this.#maker.lastFailure,
        }),
    }, acquireTimeoutMs);
    if (checked.heldWarningMs !== Infinity) {
      this.#held = new HeldWatch(checked, counters);
    }
    this.#home = {
      name,
      takeBack: (slot) => this.#takeBack(slot),
      throwAway: (slot) => this.#throwAway(slot),
    };
    this.#untrack = instruments.track(poolKind, { name }, this, poolValues);
    this.#pump();
  }

  /** The name in metrics, warnings and errors. */
  get name(): string {
    return this.#options.name;
  }

  /**
   * Borrows an item until its lease ends.
   *
   * @throws {QueueFullError} when `maxWaiting` callers wait already.
   * @throws {TimeoutError} after `acquireTimeoutMs`; its cause is the last
   * error of `create`, if that is why.
   * @throws {ClosedError} once draining or closed.
   * @throws {InvalidOptionError} at once, naming the option.
   */
  acquire(options?: AcquireOptions): Promise<Lease<T>> {
    if (options !== undefined) checkGiven("acquire", options, ACQUIRE_OPTIONS);
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#state !== "open") {
      return Promise.reject(new ClosedError(this.name));
    }
    const taken = this.#held && new Error("taken here");
    if (this.#line.size === 0) {
      const slot = this.#takeIdle();
      if (slot !== undefined) return Promise.resolve(this.#lend(slot, taken));
    }
    return this.#wait(signal, taken);
  }

  /**
   * Lends an item to `fn` and takes it back whatever came of it. The item goes
   * on being used after an error; `fn` calls `lease.discard()` if it is broken.
   */
  async use<R>(
    fn: (item: T, lease: Lease<T>) => R | PromiseLike<R>,
    options?: AcquireOptions,
  ): Promise<R> {
    const lease = await this.acquire(options);
    try {
      return await fn(lease.value, lease);
    } finally {
      lease.release();
    }
  }

  /** Destroys an item that is known to be broken, if it lies idle. */
  evict(item: T): void {
    const slot = this.#idle.remove(item);
    if (slot !== undefined) this.#retire([slot]);
  }

  /**
   * Ends gracefully: new callers are refused, those in line are still served,
   * every item is destroyed once nobody needs it. Resolves when all are gone.
   */
  async drain({ signal }: DrainOptions = {}): Promise<void> {
    if (this.#state === "open") {
      this.#state = "draining";
      this.#retire(this.#idle.empty());
    }
    await abortable(
      this.#until(() => this.#line.size === 0 && this.#size === 0),
      signal,
    );
    await this.close();
  }

  /**
   * Ends now: everybody in line is refused, idle items are destroyed, items in
   * use are destroyed when they come back. Doesn't wait for those in use.
   */
  async close(): Promise<void> {
    if (this.#state !== "closed") {
      this.#state = "closed";
      this.#maker.stop();
      this.#held?.stop();
      this.#line.reject(new ClosedError(this.name));
      this.#line.stopWatching();
      this.#retire(this.#idle.empty());
    }
    await this.#until(() => this.#size === this.#inUse);
    this.#untrack();
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Unhealthy when closed, and when no item can be made; degraded while callers
   * wait because all items are in use.
   */
  async checkHealth(signal?: AbortSignal): Promise<HealthResult> {
    if (this.#state !== "open") {
      return { status: "unhealthy", message: `the pool is ${this.#state}` };
    }
    const { inUse, max, waiting } = this.stats;
    if (inUse === max && waiting > 0) {
      return {
        status: "degraded",
        message: `all ${max} items are in use, and ${waiting} callers wait`,
      };
    }
    if (this.#size === 0 && this.#maker.lastFailure !== undefined) {
      await this.use(() => {}, { signal });
    }
    return { status: "healthy" };
  }

  /** A snapshot of the counters. */
  get stats(): PoolStats {
    const { name, min, max } = this.#options;
    return {
      name,
      min,
      max,
      size: this.#size,
      idle: this.#idle.size,
      inUse: this.#inUse,
      creating: this.#maker.making,
      waiting: this.#line.size,
      ...this.#counters,
    };
  }

  get #size(): number {
    return this.#lasting + this.#destroyer.destroying;
  }

  /** Counts all items, those on their way out left aside. */
  get #lasting(): number {
    return this.#idle.size + this.#inUse + this.#incoming;
  }

  /** Counts the items that will be ready in a while. */
  get #incoming(): number {
    return this.#maker.making + this.#validating;
  }

  get #canMake(): boolean {
    return this.#size < this.#options.max && this.#maker.isReady;
  }

  #wait(
    signal: AbortSignal | undefined,
    taken: Error | undefined,
  ): Promise<Lease<T>> {
    const { maxWaiting } = this.#options;
    const inLine = this.#line.size - this.#incoming;
    if (inLine >= maxWaiting && (inLine > 0 || !this.#canMake)) {
      this.#counters.rejected++;
      return Promise.reject(new QueueFullError(this.name, maxWaiting));
    }
    const turn = this.#line.wait(taken, signal);
    this.#pump();
    return turn;
  }

  /** Starts what brings those in line their items, and keeps `min` warm. */
  #pump(): void {
    while (this.#line.size > this.#incoming) {
      const slot = this.#takeIdle();
      if (slot !== undefined) this.#serve(slot);
      else if (this.#line.size <= this.#incoming) break;
      else if (this.#canMake) this.#maker.make();
      else break;
    }
    if (this.#state === "open") {
      while (this.#lasting < this.#options.min && this.#canMake) {
        this.#maker.make();
      }
    }
    this.#notify();
  }

  #addMade(slot: Slot<T>): void {
    this.#counters.created++;
    this.#serve(slot);
    this.#pump();
  }

  #passFailureOn(error: unknown): void {
    const { name, log } = this.#options;
    if (this.#state === "closed") return this.#notify();
    const mayStillBeServed = this.#inUse + this.#incoming > 0;
    this.#counters.createErrors++;
    if (this.#line.size === 0) {
      log.warn(`${name}: making an item failed`, error);
    }
    this.#line.reject(error, mayStillBeServed ? 1 : this.#line.size);
    this.#pump();
  }

  /** The most recent idle item that is good; one in doubt becomes incoming. */
  #takeIdle(): Slot<T> | undefined {
    let slot: Slot<T> | undefined;
    while ((slot = this.#idle.pop()) !== undefined) {
      const verdict = isGood(slot.item, this.#options);
      if (verdict === true) return slot;
      if (verdict === false) this.#dropInvalid(slot);
      else {
        this.#awaitVerdict(slot, verdict);
        return undefined;
      }
    }
  }

  async #awaitVerdict(slot: Slot<T>, verdict: Promise<boolean>): Promise<void> {
    this.#validating++;
    const good = await verdict;
    this.#validating--;
    if (good) this.#serve(slot);
    else this.#dropInvalid(slot);
    this.#pump();
  }

  #dropInvalid(slot: Slot<T>): void {
    this.#counters.invalid++;
    this.#destroyer.destroy(slot.item);
  }

  /** Gives a good item to the first in line, or lays it down. */
  #serve(slot: Slot<T>): void {
    const waiter = this.#line.next();
    if (waiter !== undefined) {
      waiter.resolve(this.#lend(slot, waiter.ticket));
    } else if (this.#state === "open") {
      this.#idle.push(slot);
    } else {
      this.#destroyer.destroy(slot.item);
    }
  }

  #lend(slot: Slot<T>, taken: Error | undefined): Lease<T> {
    slot.uses++;
    this.#inUse++;
    this.#counters.acquired++;
    this.#held?.add(slot, taken);
    return new PoolLease(this.#home, slot);
  }

  #takeBack(slot: Slot<T>): void {
    this.#inUse--;
    this.#held?.delete(slot);
    if (isWorn(slot, this.#options)) this.#retire([slot]);
    else this.#passOn(slot);
    this.#notify();
  }

  /** Gives a used item to the first in line if it is still good. */
  #passOn(slot: Slot<T>): void {
    const verdict = this.#line.size === 0 || isGood(slot.item, this.#options);
    if (verdict === true) this.#serve(slot);
    else if (verdict === false) {
      this.#dropInvalid(slot);
      this.#pump();
    } else this.#awaitVerdict(slot, verdict);
  }

  #throwAway(slot: Slot<T>): void {
    this.#inUse--;
    this.#held?.delete(slot);
    this.#counters.discarded++;
    this.#retire([slot]);
  }

  #retire(slots: Slot<T>[]): void {
    for (const { item } of slots) this.#destroyer.destroy(item);
    this.#pump();
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      this.#changed ??= Promise.withResolvers();
      await this.#changed.promise;
    }
  }

  /** Wakes those that wait for the pool to come to rest. */
  #notify(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}

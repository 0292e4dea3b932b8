import type { TimerHandle } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { deadline } from "../base/deadline.ts";
import { backoffMs } from "../base/backoff.ts";
import { Slot } from "./lease.ts";
import type { CheckedPoolOptions, PoolCounters } from "./pool_options.ts";

/** Who gets what an {@linkcode ItemMaker} makes. */
export interface ItemMakerOwner<T> {
  made(slot: Slot<T>): void;
  failed(error: unknown): void;
  /** The pause after a failure is over. */
  ready(): void;
  /** Takes an item whose `create` answered when it had been given up on. */
  late(item: T): void;
}

/** Makes a pool's items: each within its time, and not too eagerly when it fails. */
export class ItemMaker<T> {
  readonly #options: CheckedPoolOptions<T>;
  readonly #owner: ItemMakerOwner<T>;
  readonly #stopping = new AbortController();
  #making = 0;
  #failures = 0;
  #pause: TimerHandle;
  #lastFailure: unknown;

  constructor(options: CheckedPoolOptions<T>, owner: ItemMakerOwner<T>) {
    this.#options = options;
    this.#owner = owner;
  }

  /** Counts the items that are being made. */
  get making(): number {
    return this.#making;
  }

  /** False in the pause after a failure, and then while one more is tried. */
  get isReady(): boolean {
    return this.#pause === undefined &&
      (this.#failures === 0 || this.#making === 0);
  }

  /** The error of the last `create`, if none has worked since. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** Starts making one item; the owner is told what came of it. */
  async make(): Promise<void> {
    this.#making++;
    let item: T;
    try {
      item = await this.#create();
    } catch (error) {
      this.#making--;
      return this.#fail(error);
    }
    this.#making--;
    this.#failures = 0;
    this.#lastFailure = undefined;
    this.#owner.made(new Slot(item, this.#diesAt()));
  }

  /** Gives up on everything being made. */
  stop(): void {
    this.#options.clock.clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#stopping.abort(new ClosedError(this.#options.name));
  }

  async #create(): Promise<T> {
    const { create, createTimeoutMs, name, clock } = this.#options;
    let made: { item: T } | undefined;
    try {
      return await deadline(
        async (signal) => {
          const item = await create({ signal });
          if (signal.aborted) this.#owner.late(item);
          else made = { item };
          return item;
        },
        createTimeoutMs,
        {
          signal: this.#stopping.signal,
          name: `making an item of ${name}`,
          clock,
        },
      );
    } catch (error) {
      if (made !== undefined) this.#owner.late(made.item);
      throw error;
    }
  }

  #diesAt(): number {
    const { clock, random, maxLifetimeMs } = this.#options;
    return clock.now() + maxLifetimeMs * (1 - 0.1 * random());
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastFailure = error;
    if (!this.#stopping.signal.aborted) this.#startPause();
    this.#owner.failed(error);
  }

  #startPause(): void {
    const { clock, random, backoffMs: firstMs, maxBackoffMs: maxMs } =
      this.#options;
    clock.clearTimeout(this.#pause);
    this.#pause = clock.setTimeout(() => {
      this.#pause = undefined;
      this.#owner.ready();
    }, backoffMs(this.#failures, { firstMs, maxMs, random }));
  }
}

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

  /** Counts the items that are being destroyed. */
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

/** Judges an item; a promise only if its `validate` gives one. */
export function isGood<T>(
  item: T,
  options: CheckedPoolOptions<T>,
): boolean | Promise<boolean> {
  const { validate } = options;
  if (validate === undefined) return true;
  try {
    const verdict = validate(item);
    return typeof verdict === "boolean" ? verdict : inTime(verdict, options);
  } catch {
    return false;
  }
}

/** Says if an item has been lent so often, or is so old, that it is replaced. */
export function isWorn<T>(
  { uses, diesAt }: Slot<T>,
  options: CheckedPoolOptions<T>,
): boolean {
  return uses >= options.maxUses ||
    (diesAt !== Infinity && diesAt <= options.clock.now());
}

async function inTime<T>(
  verdict: PromiseLike<boolean>,
  { validateTimeoutMs, clock }: CheckedPoolOptions<T>,
): Promise<boolean> {
  try {
    return await deadline(
      async () => await verdict,
      validateTimeoutMs,
      { clock },
    ) === true;
  } catch {
    return false;
  }
}

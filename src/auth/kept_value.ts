import type { MaybePromise } from "../cache/cache_store.ts";

/** Settings for keeping a value. */
export interface KeptValueOptions<T> {
  /** Fetches the value. */
  load(): Promise<T>;
  /** Milliseconds after which it is fetched anew, while the old one serves. */
  readonly maxAgeMs: number;
  /** Milliseconds between two attempts to fetch it. */
  readonly retryMs: number;
  readonly now: () => number;
}

/** Between two attempts while there is no value at all. */
const FIRST_RETRY_MS = 1_000;

/**
 * A value that comes from elsewhere: fetched when it is first needed, once at a
 * time, and kept for as long as a newer one can't be had.
 */
export class KeptValue<T> {
  readonly #options: KeptValueOptions<T>;
  #kept: { readonly value: T; readonly at: number } | undefined;
  #loading: Promise<T> | undefined;
  #triedAt = -Infinity;
  #failure: unknown;

  constructor(options: KeptValueOptions<T>) {
    this.#options = options;
  }

  /** The value, at once if it is there. @throws why it can't be had */
  get(): MaybePromise<T> {
    if (this.#kept === undefined) {
      if (this.#loading === undefined && !this.#mayTry) throw this.#failure;
      return this.#load();
    }
    const { maxAgeMs, now } = this.#options;
    if (now() - this.#kept.at >= maxAgeMs && this.#mayTry) {
      this.#load().catch(() => {}); // the old one serves
    }
    return this.#kept.value;
  }

  /** A newer value, unless one was asked for a moment ago or can't be had. */
  async renewed(): Promise<T | undefined> {
    if (this.#loading === undefined && !this.#mayTry) return undefined;
    return await this.#load().catch(() => undefined);
  }

  get #mayTry(): boolean {
    const { now, retryMs } = this.#options;
    const waitMs = this.#kept === undefined
      ? Math.min(FIRST_RETRY_MS, retryMs)
      : retryMs;
    return now() - this.#triedAt >= waitMs;
  }

  #load(): Promise<T> {
    return this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined;
    });
  }

  async #fetch(): Promise<T> {
    const { load, now } = this.#options;
    this.#triedAt = now();
    try {
      const value = await load();
      this.#kept = { value, at: now() };
      return value;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** Options of a {@linkcode Flight}. */
export interface FlightOptions {
  /** Tells its tags; what it throws, whoever asks for them gets. */
  readonly tagsOf?: () => readonly string[];
  /** Called when it has ended or its last caller has left. */
  readonly onEnd?: () => void;
}

/**
 * One piece of work that several callers wait for. A caller that aborts leaves
 * alone; when the last one has left, the work's own signal aborts.
 */
export class Flight<T> {
  readonly #tags: readonly string[] | undefined;
  readonly #tagsError: unknown;
  readonly #controller = new AbortController();
  readonly #onEnd: () => void;
  readonly #outcome = Promise.withResolvers<T>();
  #callers = 0;
  #superseded = false;

  constructor(
    work: (flight: Flight<T>) => Promise<T>,
    { tagsOf = () => [], onEnd = () => {} }: FlightOptions = {},
  ) {
    try {
      this.#tags = tagsOf();
    } catch (error) {
      this.#tagsError = error;
    }
    this.#onEnd = onEnd;
    const { promise, resolve, reject } = this.#outcome;
    work(this).finally(onEnd).then(resolve, reject);
    promise.catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Without them a value may be looked up, but not loaded. */
  get tags(): readonly string[] {
    if (this.#tags === undefined) throw this.#tagsError;
    return this.#tags;
  }

  hasTag(tag: string): boolean {
    return this.#tags?.includes(tag) ?? false;
  }

  /** Its value is out of date: for those who wait, but not to be kept. */
  get superseded(): boolean {
    return this.#superseded;
  }

  supersede(): void {
    this.#superseded = true;
  }

  /** Waits with the others; without a signal the caller never leaves. */
  join(signal?: AbortSignal): Promise<T> {
    this.#callers++;
    const { promise } = this.#outcome;
    if (signal === undefined) return promise;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason);
        this.#leave(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      promise.finally(() => signal.removeEventListener("abort", leave))
        .then(resolve, reject);
    });
  }

  /** Ends the work, and the wait of all callers, be the work deaf to its signal. */
  abort(reason: unknown): void {
    this.supersede();
    this.#controller.abort(reason);
    this.#outcome.reject(reason);
  }

  #leave(reason: unknown): void {
    if (--this.#callers > 0) return;
    this.#onEnd();
    this.abort(reason);
  }
}

/** Signals that end a program, unless it says otherwise. */
const ENDING: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Those where SIGHUP has another meaning. */
export const ENDING_BUT_HANGUP: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Where the signal may come from: the operating system, the author, or both. */
export interface EndSignalSources {
  readonly signals: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The signal to end, of the operating system or the author's. It is listened for
 * from the beginning: what is being opened when it comes is closed again. Once it
 * has come nobody listens: a second one ends the process itself.
 */
export class EndSignal implements Disposable {
  readonly #names: readonly Deno.Signal[];
  readonly #signal: AbortSignal | undefined;
  readonly #come = new AbortController();
  readonly #onSignal = (): void => {
    this[Symbol.dispose]();
    this.#come.abort();
  };

  /** @param names the signals, where one has another meaning */
  constructor(
    { signals, signal }: EndSignalSources,
    names: readonly Deno.Signal[] = ENDING,
  ) {
    this.#names = signals ? names : [];
    this.#signal = signal;
    for (const name of this.#names) {
      Deno.addSignalListener(name, this.#onSignal);
    }
    signal?.addEventListener("abort", this.#onSignal);
    if (signal?.aborted) this.#onSignal();
  }

  /** Aborts when it comes. */
  get signal(): AbortSignal {
    return this.#come.signal;
  }

  get hasCome(): boolean {
    return this.signal.aborted;
  }

  /** Has `end` called when it comes, in a moment if it has come already. */
  whenCome(end: () => void): void {
    if (this.hasCome) queueMicrotask(end);
    else this.signal.addEventListener("abort", end, { once: true });
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    for (const name of this.#names) {
      Deno.removeSignalListener(name, this.#onSignal);
    }
    this.#signal?.removeEventListener("abort", this.#onSignal);
  }
}

/** Has SIGHUP mean something else than the end. */
export function onHangup(signals: boolean, listener: () => void): Disposable {
  if (signals) Deno.addSignalListener("SIGHUP", listener);
  return {
    [Symbol.dispose]() {
      if (signals) Deno.removeSignalListener("SIGHUP", listener);
    },
  };
}

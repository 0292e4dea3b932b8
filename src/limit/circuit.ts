import type { Clock } from "../base/clock.ts";
import {
  counter,
  gauge,
  type InstrumentKind,
  type InstrumentValues,
} from "../observe/instruments.ts";

/** What operators see of circuits; those of HTTP origins have the label `origin`. */
export const circuitKind = {
  kind: "circuit",
  measures: {
    open: gauge("1 while it is given up for now, else 0."),
    half_open: gauge("1 while a trial request is out, else 0."),
    opened: counter("Times it was given up."),
    refused: counter("Calls that weren't sent because it was given up."),
    errors: counter("Calls that failed, those that took too long left aside."),
    timeouts: counter("Calls that took too long."),
  },
} satisfies InstrumentKind;

/** What a circuit shows; `errors` and `timeouts` are its owner's to add. */
export function circuitValues(
  { state, opened, refused }: CircuitStats,
): InstrumentValues<keyof typeof circuitKind.measures> {
  return {
    open: state === "open" ? 1 : 0,
    half_open: state === "half-open" ? 1 : 0,
    opened,
    refused,
  };
}

/** Calls go through (`closed`), or don't (`open`), or one tries (`half-open`). */
export type CircuitState = "closed" | "open" | "half-open";

/** How a call ended; `unknown` where that says nothing of what was called. */
export type CallOutcome = "success" | "failure" | "unknown";

/** How a {@linkcode Circuit} behaves. */
export interface CircuitOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** How long it stays open before one call may try, in milliseconds. */
  readonly openMs: number;
  readonly clock: Clock;
  /** Told when it opens and closes; a trial that fails leaves it open. */
  readonly onChange?: ((state: "open" | "closed") => void) | undefined;
}

/** What a {@linkcode Circuit} has counted. */
export interface CircuitStats {
  readonly state: CircuitState;
  /** Times it opened. */
  readonly opened: number;
  /** Calls that weren't let through. */
  readonly refused: number;
}

/** A call that was let through. */
export interface Admission {
  /** Tells how the call ended; only the first time counts. */
  end(outcome: CallOutcome): void;
}

/**
 * Leaves something alone once it has failed so often in a row, and tries it
 * again with one call. What a call tells that began before the circuit last
 * changed is old news, and doesn't count.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  #state: CircuitState = "closed";
  #failuresInRow = 0;
  #openUntilMs = 0;
  /** Goes up with each change of the state. */
  #era = 0;
  #opened = 0;
  #refused = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    return this.#state;
  }

  get stats(): CircuitStats {
    return {
      state: this.#state,
      opened: this.#opened,
      refused: this.#refused,
    };
  }

  /** Whether it would let no call through now; it does again after `openMs`. */
  get isRefusing(): boolean {
    if (this.#state !== "open") return this.#state === "half-open";
    return this.#options.clock.now() < this.#openUntilMs;
  }

  /** Lets a call through, or not: then this is `undefined`. */
  enter(): Admission | undefined {
    if (this.#state === "closed") return this.#admit();
    if (!this.isRefusing) return this.tryNow();
    this.#refused++;
    return undefined;
  }

  /**
   * Lets one call try whether it should be closed, without waiting for its time;
   * a trial that is out already no longer counts.
   */
  tryNow(): Admission {
    if (this.#state !== "closed") this.#change("half-open");
    return this.#admit();
  }

  /** Opens at once, for a reason that its owner knows of. */
  trip(): void {
    const wasClosed = this.#state === "closed";
    this.#openUntilMs = this.#options.clock.now() + this.#options.openMs;
    this.#change("open");
    if (!wasClosed) return;
    this.#opened++;
    this.#options.onChange?.("open");
  }

  #admit(): Admission {
    let era: number | undefined = this.#era;
    return {
      end: (outcome) => {
        if (era === this.#era) this.#hear(outcome);
        era = undefined;
      },
    };
  }

  #hear(outcome: CallOutcome): void {
    if (this.#state === "half-open") {
      // A trial that was given up has proved nothing: it must not close.
      return outcome === "success" ? this.#close() : this.trip();
    }
    if (outcome === "success") this.#failuresInRow = 0;
    if (outcome !== "failure") return;
    if (++this.#failuresInRow >= this.#options.failures) this.trip();
  }

  #close(): void {
    this.#failuresInRow = 0;
    this.#change("closed");
    this.#options.onChange?.("closed");
  }

  #change(state: CircuitState): void {
    this.#state = state;
    this.#era++;
  }
}

import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/** A figure that only grows. */
export class Counter {
  #value = 0;

  /** The count so far. */
  get value(): number {
    return this.#value;
  }

  /**
   * Counts on.
   *
   * @param by at least 0
   * @throws {InvalidOptionError} if it would go back
   */
  inc(by: number = 1): void {
    if (!(by >= 0)) {
      throw new InvalidOptionError(
        `a counter only grows: inc() takes a number of at least 0, got ${
          quote(by)
        }`,
      );
    }
    this.#value += by;
  }
}

/** A figure that goes up and down. */
export class Gauge {
  #value = 0;
  readonly #read: (() => number) | undefined;

  /**
   * Stands at 0 at first.
   *
   * @param read says the value whenever somebody asks, instead of `set`
   */
  constructor(read?: () => number) {
    this.#read = read;
  }

  /** The value that it stands at; `NaN` if it can't be read. */
  get value(): number {
    if (this.#read === undefined) return this.#value;
    try {
      return Number(this.#read());
    } catch {
      return NaN;
    }
  }

  /** Puts it at a value. */
  set(value: number): void {
    this.#value = value;
  }

  /** Moves it up. */
  inc(by: number = 1): void {
    this.#value += by;
  }

  /** Moves it down. */
  dec(by: number = 1): void {
    this.#value -= by;
  }
}

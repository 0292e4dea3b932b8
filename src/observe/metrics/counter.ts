import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/** A figure that only grows. */
export class Counter {
  #value = 0;

  /** What it has come to. */
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

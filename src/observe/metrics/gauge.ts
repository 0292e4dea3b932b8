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

  /** What it stands at; `NaN` if it can't be read. */
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

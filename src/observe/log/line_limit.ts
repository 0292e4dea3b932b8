import type { Clock } from "../../base/clock.ts";

/** The most causes that are told apart; all others share their while. */
const MAX_CAUSES = 1_000;

/** Lets one line of each cause through in a while, and counts the others. */
export class LineLimit {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #written: Map<string, { at: number; swallowed: number }> = new Map();

  /** @param intervalMs The while, in milliseconds; 0 lets all lines through. */
  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /**
   * Asks for a line.
   *
   * @returns the fields to write beside its own: in `swallowed` how many lines were
   * kept back since the last; `undefined` if it is kept back itself
   */
  take(cause: string): { swallowed?: number } | undefined {
    const key = this.#written.has(cause) || this.#written.size < MAX_CAUSES
      ? cause
      : "";
    const now = this.#clock.now();
    const last = this.#written.get(key);
    if (last !== undefined && now - last.at < this.#intervalMs) {
      last.swallowed++;
      return undefined;
    }
    this.#written.set(key, { at: now, swallowed: 0 });
    return last === undefined || last.swallowed === 0
      ? {}
      : { swallowed: last.swallowed };
  }
}

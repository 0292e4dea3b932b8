/** Upper bounds of the latency histogram, in milliseconds; one more bucket takes the rest. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
];

/** What a {@linkcode CallRecord} has counted. */
export interface CallStats {
  /** How many calls have ended. */
  calls: number;
  /** How many of them failed. */
  errors: number;
  /** How many are under way. */
  inProgress: number;
  /** The time of all calls that ended, in milliseconds. */
  totalMs: number;
  /** How many calls took up to each bound of {@linkcode LATENCY_BOUNDS_MS}; the last entry has the rest. */
  latency: number[];
}

/** Counts calls and how long they take; records without allocating. */
export class CallRecord {
  #calls = 0;
  #errors = 0;
  #inProgress = 0;
  #totalMs = 0;
  readonly #latency: Float64Array = new Float64Array(
    LATENCY_BOUNDS_MS.length + 1,
  );

  /** Notes the begin of a call; the result goes to {@linkcode end}. */
  begin(): number {
    this.#inProgress++;
    return performance.now();
  }

  end(begunAt: number, failed: boolean): void {
    const tookMs = performance.now() - begunAt;
    this.#inProgress--;
    this.#calls++;
    if (failed) this.#errors++;
    this.#totalMs += tookMs;
    let bucket = 0;
    while (
      bucket < LATENCY_BOUNDS_MS.length && tookMs > LATENCY_BOUNDS_MS[bucket]
    ) bucket++;
    this.#latency[bucket]++;
  }

  get stats(): CallStats {
    return {
      calls: this.#calls,
      errors: this.#errors,
      inProgress: this.#inProgress,
      totalMs: this.#totalMs,
      latency: Array.from(this.#latency),
    };
  }
}

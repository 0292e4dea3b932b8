import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/**
 * The bounds that histograms of one sort share: fine ones to work percentiles
 * out, and the few among them that are shown as buckets.
 */
export class Buckets {
  /** Upper bounds, ascending. */
  readonly bounds: Float64Array;
  /** The bounds that are shown. */
  readonly shown: readonly number[];
  /** The places of the shown ones in `bounds`. */
  readonly shownAt: readonly number[];
  /** The shown bounds as the end of a label, the same in every format. */
  readonly closings: readonly string[];

  /**
   * @param bounds upper bounds, ascending
   * @param shown some of them
   * @throws {InvalidOptionError} if the bounds don't ascend
   */
  constructor(bounds: readonly number[], shown: readonly number[] = bounds) {
    checkAscending(bounds);
    this.bounds = Float64Array.from(bounds);
    this.shown = shown;
    this.shownAt = shown.map((bound) => this.bounds.indexOf(bound));
    this.closings = shown.map((bound) =>
      `${Number.isInteger(bound) ? bound.toFixed(1) : bound}"} `
    );
  }

  /** Finds the bucket of a value; the one past the last bound takes the rest. */
  indexOf(value: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= bounds[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function checkAscending(bounds: readonly number[]): void {
  const ascends = bounds.every((bound, at) =>
    Number.isFinite(bound) && (at === 0 || bound > bounds[at - 1])
  );
  if (ascends && bounds.length > 0) return;
  throw new InvalidOptionError(
    `buckets must be finite numbers that ascend, got ${
      Array.isArray(bounds) ? `[${bounds.join(", ")}]` : quote(bounds)
    }`,
  );
}

/** Each step at each power of ten. */
function ladder(steps: number[], powers: number[]): number[] {
  return powers.flatMap((power) =>
    steps.map((step) => Number(`${step}e${power}`))
  );
}

/**
 * Durations in seconds, from 10 microseconds to 100 seconds. With ten to each
 * power of ten, a percentile is at most an eighth off.
 */
export const DURATIONS: Buckets = new Buckets(
  [
    ...ladder(
      [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8],
      [-5, -4, -3, -2, -1, 0, 1],
    ),
    100,
  ],
  [...ladder([1, 2.5, 5], [-4, -3, -2, -1, 0, 1]), 100],
);

/** Counts values by size; records without allocating. */
export class Histogram {
  /**
   * The bounds it counts by.
   * @internal
   */
  readonly buckets: Buckets;
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;

  /**
   * Has counted nothing at first.
   * @internal
   */
  constructor(buckets: Buckets = DURATIONS) {
    this.buckets = buckets;
    this.#counts = new Float64Array(buckets.bounds.length + 1);
  }

  /** Counts a value; what is no number is left out. */
  observe(value: number): void {
    if (!Number.isNaN(value)) this.put(value, this.buckets.indexOf(value));
  }

  /**
   * Counts a value whose bucket is known.
   * @internal
   */
  put(value: number, bucket: number): void {
    this.#counts[bucket]++;
    this.#count++;
    this.#sum += value;
  }

  /** The number of values. */
  get count(): number {
    return this.#count;
  }

  /** All values together. */
  get sum(): number {
    return this.#sum;
  }

  /** The arithmetic mean; 0 if there were no values. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /**
   * The number of values up to each shown bound.
   * @internal
   */
  get cumulative(): number[] {
    const cumulative: number[] = [];
    let sum = 0;
    let at = 0;
    for (const shownAt of this.buckets.shownAt) {
      while (at <= shownAt) sum += this.#counts[at++];
      cumulative.push(sum);
    }
    return cumulative;
  }

  /**
   * Adds what another histogram of the same buckets has counted, or takes it away.
   * @internal
   */
  add(other: Histogram, times: 1 | -1 = 1): void {
    this.#count = 0;
    for (let at = 0; at < this.#counts.length; at++) {
      const count = this.#counts[at] + times * other.#counts[at];
      this.#counts[at] = Math.max(0, count);
      this.#count += this.#counts[at];
    }
    this.#sum = Math.max(0, this.#sum + times * other.#sum);
  }

  /**
   * The value that a share of all values does not exceed, as exact as the
   * buckets are fine; 0 if there were no values.
   *
   * @param share such as 0.95
   */
  quantile(share: number): number {
    const rank = share * this.#count;
    let before = 0;
    for (let at = 0; at < this.#counts.length; at++) {
      const here = this.#counts[at];
      if (here > 0 && before + here >= rank) {
        return this.#within(at, (rank - before) / here);
      }
      before += here;
    }
    return 0;
  }

  /** A place within a bucket, as if its values lay evenly. */
  #within(at: number, share: number): number {
    const { bounds } = this.buckets;
    const low = at === 0 ? Math.min(0, bounds[0]) : bounds[at - 1];
    return at === bounds.length ? low : low + (bounds[at] - low) * share;
  }
}

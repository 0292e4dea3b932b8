import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/** The description of a metric. */
export interface MetricOptions {
  /** One sentence that says what it counts, and in which unit. */
  help: string;
}

/** The description of a metric with labels. */
export interface LabelledMetricOptions<Label extends string>
  extends MetricOptions {
  /** The names of the labels. */
  labels: readonly Label[];
  /**
   * The most sets of label values that are kept; those beyond count as
   * `other`, so that what clients send can't fill the memory; for its sake, values
   * are also cut to 256 characters.
   * @default 1000
   */
  maxSeries?: number;
}

/** Longer values of labels are cut. */
const MAX_CHARS = 256;

/** The value of every label of a series beyond `maxSeries`. */
const OTHER = "other";

/** One metric for each set of label values. */
export class MetricFamily<Metric, Label extends string = string> {
  readonly #name: string;
  readonly #labels: readonly Label[];
  readonly #maxSeries: number;
  readonly #make: () => Metric;
  readonly #series: Map<
    string,
    { labels: Record<Label, string>; metric: Metric }
  > = new Map();

  /** @internal */
  constructor(
    name: string,
    { labels, maxSeries }: Required<
      Omit<LabelledMetricOptions<Label>, "help">
    >,
    make: () => Metric,
  ) {
    this.#name = name;
    this.#labels = checkLabels(name, labels);
    this.#maxSeries = maxSeries;
    this.#make = make;
  }

  /**
   * The metric of a set of label values: keep it where it is used often.
   *
   * @throws {InvalidOptionError} if a label is missing or unknown
   */
  labels(values: Readonly<Record<Label, string | number>>): Metric {
    const texts = this.#check(values);
    const known = this.#series.get(JSON.stringify(texts));
    if (known !== undefined) return known.metric;
    if (this.#series.size < this.#maxSeries) return this.#add(texts);
    const others = texts.map(() => OTHER);
    return this.#series.get(JSON.stringify(others))?.metric ??
      this.#add(others);
  }

  #check(values: Readonly<Record<Label, string | number>>): string[] {
    const given = Object.keys(values);
    const complete = given.length === this.#labels.length &&
      this.#labels.every((label) => values[label] !== undefined);
    if (!complete) {
      throw new InvalidOptionError(
        `${this.#name} has the labels ${quoteAll(this.#labels)}, got ${
          quoteAll(given)
        }`,
      );
    }
    // What differs only where UTF-8 can't say so would be the same series twice.
    return this.#labels.map((label) =>
      String(values[label]).slice(0, MAX_CHARS).toWellFormed()
    );
  }

  #add(texts: string[]): Metric {
    const metric = this.#make();
    const labels = Object.fromEntries(
      this.#labels.map((label, at) => [label, texts[at]]),
    ) as Record<Label, string>;
    this.#series.set(JSON.stringify(texts), { labels, metric });
    return metric;
  }

  /** Every series there is. */
  [Symbol.iterator](): Iterator<
    { labels: Record<Label, string>; metric: Metric }
  > {
    return this.#series.values();
  }
}

function checkLabels<Label extends string>(
  name: string,
  labels: readonly Label[],
): readonly Label[] {
  for (const label of labels) {
    if (/^[a-zA-Z_]\w*$/.test(label) && !label.startsWith("__")) continue;
    throw new InvalidOptionError(
      `${name}: a label's name has letters, digits and "_" and does not begin ` +
        `with "__", got ${quote(label)}`,
    );
  }
  if (
    new Set(labels).size === labels.length && !labels.includes("le" as Label)
  ) {
    return labels;
  }
  throw new InvalidOptionError(
    `${name}: labels must differ, and none may be "le", got ${
      quoteAll(labels)
    }`,
  );
}

function quoteAll(labels: readonly string[]): string {
  return labels.length === 0 ? "none" : labels.map(quote).join(", ");
}

import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { Counter } from "./metric.ts";
import {
  Exposition,
  type ExpositionFormat,
  labelsText,
  type MetricType,
} from "./exposition.ts";
import type { Figure } from "./figure.ts";
import { Gauge } from "./metric.ts";
import { Buckets, DURATIONS, Histogram } from "./histogram.ts";
import {
  type LabelledMetricOptions,
  MetricFamily,
  type MetricOptions,
} from "./metric_family.ts";

/** The description of a gauge. */
export interface GaugeOptions extends MetricOptions {
  /** Says the value whenever somebody asks, instead of `set`. */
  read?: () => number;
}

/** The description of a histogram. */
export interface HistogramOptions extends MetricOptions {
  /**
   * Upper bounds, ascending.
   * @default for durations in seconds, from 0.0001 to 50
   */
  buckets?: readonly number[];
}

/** Writes metrics that are kept elsewhere, whenever somebody asks. */
export type MetricsCollector = (out: Exposition) => void;

const COUNTER_OPTIONS = {
  help: option.optional<string>(),
  labels: option.optional<readonly string[]>(),
  maxSeries: option.integer(1_000, 1),
} satisfies OptionRules<LabelledMetricOptions<string>>;

const OPTIONS = {
  counter: COUNTER_OPTIONS,
  gauge: {
    ...COUNTER_OPTIONS,
    read: option.optional<GaugeOptions["read"]>(),
  } satisfies OptionRules<GaugeOptions>,
  histogram: {
    ...COUNTER_OPTIONS,
    buckets: option.optional<HistogramOptions["buckets"]>(),
  } satisfies OptionRules<HistogramOptions>,
};

type Metric = Counter | Gauge | Histogram;

interface Registered {
  readonly name: string;
  readonly type: Exclude<MetricType, "info">;
  readonly help: string;
  readonly series: Iterable<{ labels: Record<string, string>; metric: Metric }>;
}

/**
 * Counters, gauges and histograms by name, and their text for Prometheus.
 *
 * @example
 * ```ts
 * import { Metrics } from "@sluice/mcp";
 *
 * const metrics = new Metrics();
 * const orders = metrics.counter("shop_orders", {
 *   help: "Orders taken.",
 *   labels: ["channel"],
 * });
 * orders.labels({ channel: "web" }).inc();
 * const text = metrics.text(); // … shop_orders_total{channel="web"} 1
 * ```
 */
export class Metrics {
  readonly #registered: Registered[] = [];
  readonly #collectors: MetricsCollector[] = [];
  /** Every name that a sample bears, so that no two metrics share one. */
  readonly #taken: Set<string> = new Set();

  /**
   * Adds a figure that only grows. Its name ends in `_total`, said or not.
   *
   * @throws {InvalidOptionError} if the name can't be used or is taken
   */
  counter(name: string, options: MetricOptions): Counter;
  /** Adds one for each set of label values. */
  counter<Label extends string>(
    name: string,
    options: LabelledMetricOptions<Label>,
  ): MetricFamily<Counter, Label>;
  counter(
    name: string,
    options: MetricOptions | LabelledMetricOptions<string>,
  ): Counter | MetricFamily<Counter> {
    return this.#add(
      name.replace(/_total$/, ""),
      "counter",
      options,
      () => new Counter(),
    );
  }

  /**
   * Adds a figure that goes up and down.
   *
   * @throws {InvalidOptionError} if the name can't be used or is taken
   */
  gauge(name: string, options: GaugeOptions): Gauge;
  /** Adds one for each set of label values. */
  gauge<Label extends string>(
    name: string,
    options: LabelledMetricOptions<Label>,
  ): MetricFamily<Gauge, Label>;
  gauge(
    name: string,
    options: GaugeOptions | LabelledMetricOptions<string>,
  ): Gauge | MetricFamily<Gauge> {
    const { read } = options as GaugeOptions;
    return this.#add(name, "gauge", options, () => new Gauge(read));
  }

  /**
   * Adds a distribution, such as that of durations.
   *
   * @throws {InvalidOptionError} if the name can't be used or is taken
   */
  histogram(name: string, options: HistogramOptions): Histogram;
  /** Adds one for each set of label values. */
  histogram<Label extends string>(
    name: string,
    options: HistogramOptions & LabelledMetricOptions<Label>,
  ): MetricFamily<Histogram, Label>;
  histogram(
    name: string,
    options:
      | HistogramOptions
      | (HistogramOptions & LabelledMetricOptions<string>),
  ): Histogram | MetricFamily<Histogram> {
    const buckets = options.buckets === undefined
      ? DURATIONS
      : new Buckets(options.buckets);
    return this.#add(name, "histogram", options, () => new Histogram(buckets));
  }

  /**
   * Adds metrics that are kept elsewhere.
   * @internal
   */
  collect(collector: MetricsCollector): void {
    this.#collectors.push(collector);
  }

  #add<Added extends Metric>(
    name: string,
    type: Registered["type"],
    options: MetricOptions | LabelledMetricOptions<string>,
    make: () => Added,
  ): Added | MetricFamily<Added> {
    checkName(name);
    const help = checkHelp(name, options);
    const { labels, maxSeries } = readOptions(
      `metric ${name}`,
      options,
      OPTIONS[type],
      `${name}: `,
    );
    if (labels !== undefined) {
      const series = new MetricFamily(name, { labels, maxSeries }, make);
      this.#take({ name, type, help, series });
      return series;
    }
    const metric = make();
    this.#take({ name, type, help, series: [{ labels: {}, metric }] });
    return metric;
  }

  #take(registered: Registered): void {
    const names = sampleNames(registered);
    const taken = names.find((each) => this.#taken.has(each));
    if (taken !== undefined) {
      throw new InvalidOptionError(
        `there is a metric of the name ${quote(taken)} already`,
      );
    }
    for (const each of names) this.#taken.add(each);
    this.#registered.push(registered);
  }

  /** All metrics as text. */
  text(format: ExpositionFormat = "prometheus"): string {
    const out = new Exposition(format);
    for (const collector of this.#collectors) collector(out);
    for (const { name, type, help, series } of this.#registered) {
      out.family(name, type, help);
      for (const { labels, metric } of series) {
        const text = labelsText(labels);
        if (metric instanceof Histogram) out.histogram(text, metric);
        else out.sample(text, metric.value);
      }
    }
    return out.toString();
  }

  /**
   * All metrics as they stand now; a histogram as its count and its sum.
   * @internal
   */
  get figures(): Figure[] {
    return this.#registered.flatMap(({ name, type, help, series }) => {
      const pointsOf = (valueOf: (metric: Metric) => number) =>
        Array.from(series, ({ labels, metric }) => ({
          value: valueOf(metric),
          attributes: labels,
        }));
      if (type !== "histogram") {
        return [{ name, type, help, points: pointsOf(scalarOf) }];
      }
      const part = (key: "count" | "sum"): Figure => ({
        name: `${name}.${key}`,
        type: "counter",
        help,
        points: pointsOf((metric) => (metric as Histogram)[key]),
      });
      return [part("count"), part("sum")];
    });
  }

  /** The values of counters and gauges, and the counts of histograms, by series. */
  get values(): Record<string, number> {
    const values: Record<string, number> = {};
    for (const { name, series } of this.#registered) {
      for (const { labels, metric } of series) {
        const text = labelsText(labels);
        values[text === "" ? name : `${name}{${text}}`] = scalarOf(metric);
      }
    }
    return values;
  }
}

/** The value, or the count of a histogram. */
function scalarOf(metric: Metric): number {
  return metric instanceof Histogram ? metric.count : metric.value;
}

function checkName(name: string): void {
  if (!/^[a-zA-Z_:][\w:]*$/.test(name)) {
    throw new InvalidOptionError(
      `a metric's name has letters, digits, "_" and ":" and does not begin ` +
        `with a digit, got ${quote(name)}`,
    );
  }
  if (/^(mcp_server|sluice|process|event_loop)(_|$)/.test(name)) {
    throw new InvalidOptionError(
      `metrics of that prefix are the server's own, got ${quote(name)}`,
    );
  }
}

function checkHelp(name: string, options: MetricOptions): string {
  const help: unknown = options?.help;
  if (typeof help === "string") return help;
  throw new InvalidOptionError(
    `metric ${name} needs a help text: one sentence that says what it is, got ${
      quote(help)
    }`,
  );
}

function sampleNames({ name, type }: Registered): string[] {
  switch (type) {
    case "counter":
      return [name, `${name}_total`];
    case "histogram":
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
    default:
      return [name];
  }
}

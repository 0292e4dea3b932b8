import type { Figure } from "./figure.ts";
import type { Histogram } from "./histogram.ts";

/** The text formats that Prometheus reads. */
export type ExpositionFormat = "prometheus" | "openmetrics";

/** The media type of each format. */
export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The type of a family of samples. */
export type MetricType = "counter" | "gauge" | "histogram" | "info";

/**
 * Writes metrics as text: Prometheus's own format 0.0.4, or OpenMetrics 1.0. A
 * family comes first, then all of its samples.
 */
export class Exposition {
  readonly #open: boolean;
  #pieces: string[] = [];
  #name = "";

  constructor(format: ExpositionFormat) {
    this.#open = format === "openmetrics";
  }

  /**
   * Begins a family.
   *
   * @param name without the suffix of its type
   */
  family(name: string, type: MetricType, help: string): void {
    const suffix = SUFFIXES[type];
    this.#name = name + suffix;
    const shown = this.#open ? name : this.#name;
    const shownType = !this.#open && type === "info" ? "gauge" : type;
    this.#pieces.push(
      `# HELP ${shown} ${escapeHelp(help, this.#open)}\n` +
        `# TYPE ${shown} ${shownType}\n`,
    );
  }

  /** Writes a family whose labels are all that it says. */
  info(name: string, help: string, labels: Record<string, string>): void {
    this.family(name, "info", help);
    this.sample(labelsText(labels), 1);
  }

  /** Writes families of which each point that has a value is a sample. */
  figures(figures: readonly Figure[]): void {
    for (const { name, type, help, points } of figures) {
      this.family(name, type, help);
      for (const { value, attributes = {} } of points) {
        if (typeof value === "number") {
          this.sample(labelsText(attributes), value);
        }
      }
    }
  }

  /**
   * A sample of a counter, a gauge or an info.
   *
   * @param labels as {@linkcode labelsText} writes them
   */
  sample(labels: string, value: number): void {
    const pieces = this.#pieces;
    if (labels === "") pieces.push(this.#name, " ", numberText(value), "\n");
    else pieces.push(this.#name, "{", labels, "} ", numberText(value), "\n");
  }

  /** The samples of a histogram. */
  histogram(labels: string, histogram: Histogram): void {
    const name = this.#name;
    const first = labels === "" ? "" : `${labels},`;
    const { closings } = histogram.buckets;
    const counts = histogram.cumulative;
    const opening = `${name}_bucket{${first}le="`;
    const pieces = this.#pieces;
    for (let at = 0; at < counts.length; at++) {
      pieces.push(opening, closings[at], String(counts[at]), "\n");
    }
    const braced = labels === "" ? "" : `{${labels}}`;
    pieces.push(
      opening + `+Inf"} ${histogram.count}\n` +
        `${name}_sum${braced} ${numberText(histogram.sum)}\n` +
        `${name}_count${braced} ${histogram.count}\n`,
    );
  }

  /** All that was written. */
  toString(): string {
    if (this.#open) this.#pieces.push("# EOF\n");
    return this.#pieces.join("");
  }
}

const SUFFIXES: Readonly<Record<MetricType, string>> = {
  counter: "_total",
  gauge: "",
  histogram: "",
  info: "_info",
};

/** Labels as they stand between the braces. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(",");
}

function escapeLabel(value: string): string {
  return value.replace(
    /[\\"\n]/g,
    (each) => each === "\n" ? "\\n" : `\\${each}`,
  );
}

function escapeHelp(help: string, quotes: boolean): string {
  const escaped = help.replace(
    /[\\\n]/g,
    (each) => each === "\n" ? "\\n" : "\\\\",
  );
  return quotes ? escaped.replaceAll('"', '\\"') : escaped;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

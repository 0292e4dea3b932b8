import { element, setText } from "./elements.js";
import * as format from "./format.js";

const HEIGHT = 150;

/** uPlot's name for a scale of powers of ten, and where ours begins. */
const LOGARITHMIC = 3;
const LEAST = 0.01;

/**
 * What is drawn: of each line the figure of the points, its name, and what it
 * means, which has one colour on the whole page. Delays stand on a scale of powers
 * of ten, on which one sees the small ones beside the large.
 */
const CHARTS = [
  {
    title: "Requests",
    unit: "per second",
    lines: [
      { of: "requests", name: "requests", means: "amount" },
      { of: "errors", name: "errors", means: "errors" },
    ],
    format: format.figure,
  },
  {
    title: "Latency",
    unit: "ms",
    isLog: true,
    lines: [
      { of: "p50", name: "p50", means: "p50" },
      { of: "p95", name: "p95", means: "p95" },
      { of: "p99", name: "p99", means: "p99" },
    ],
    format: format.duration,
  },
  {
    title: "In progress",
    unit: "requests",
    lines: [{ of: "inProgress", name: "requests", means: "amount" }],
    format: format.count,
  },
  {
    title: "Event-loop lag",
    unit: "ms",
    isLog: true,
    lines: [
      { of: "lagP50", name: "p50", means: "p50" },
      { of: "lagP99", name: "p99", means: "p99" },
    ],
    format: format.duration,
  },
  {
    title: "Memory",
    unit: "MiB",
    lines: [
      { of: "rss", name: "resident", means: "amount" },
      { of: "heap", name: "heap", means: "part" },
    ],
    format: format.memory,
  },
  {
    title: "CPU",
    unit: "% of a core",
    lines: [{ of: "cpu", name: "used", means: "amount" }],
    format: (value) => value == null ? "–" : `${format.figure(value)} %`,
  },
];

/** All charts, over the points that they share. */
export class Charts {
  #parent;
  #charts = [];
  #points = [];
  #maxPoints = 300;
  #intervalMs = 1_000;

  constructor(parent) {
    this.#parent = parent;
    this.#build();
    matchMedia("(prefers-color-scheme: dark)")
      .addEventListener("change", () => this.#build());
    new ResizeObserver(() => this.#fit()).observe(parent);
  }

  #build() {
    for (const chart of this.#charts) chart.destroy();
    this.#charts = CHARTS.map((spec) => new Chart(spec, this.#parent));
    this.draw();
  }

  #fit() {
    for (const chart of this.#charts) chart.fit();
  }

  /** Begins anew with the points that the server has kept. */
  begin({ points, maxPoints, intervalMs }) {
    this.#points = points;
    this.#maxPoints = maxPoints;
    this.#intervalMs = intervalMs;
  }

  /** One point more. */
  add(point) {
    this.#points.push(point);
    if (this.#points.length > this.#maxPoints) this.#points.shift();
  }

  /** Draws what there is. */
  draw() {
    const now = this.#points.at(-1)?.time ?? Date.now() / 1_000;
    const span = (this.#maxPoints * this.#intervalMs) / 1_000;
    for (const chart of this.#charts) {
      chart.draw(this.#points, now - span, now);
    }
  }
}

/** One chart, its title and its legend, which tells the values under the cursor. */
class Chart {
  #spec;
  #values;
  #figure;
  #plot;
  #uplot;
  #range = [0, 1];

  constructor(spec, parent) {
    this.#spec = spec;
    this.#values = spec.lines.map(() => element("span", "value"));
    this.#plot = element("div", "plot");
    this.#plot.setAttribute("role", "img");
    this.#figure = element(
      "figure",
      "card chart",
      this.#caption(),
      this.#plot,
    );
    parent.append(this.#figure);
    this.#uplot = new globalThis.uPlot(this.#options(), [[]], this.#plot);
  }

  #caption() {
    const title = element("h3", "", this.#spec.title, " ");
    title.append(element("span", "muted", this.#spec.unit));
    const legend = element("ul", "legend");
    this.#spec.lines.forEach(({ name, means }, at) => {
      const line = element("li", "", `${name} `, this.#values[at]);
      line.style.setProperty("--line-color", `var(--${means})`);
      legend.append(line);
    });
    return element("figcaption", "", title, legend);
  }

  #options() {
    const axis = {
      stroke: color("--muted"),
      grid: { stroke: color("--grid"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: this.#width,
      height: HEIGHT,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: "dashboard" },
        points: { size: 6 },
      },
      scales: {
        x: { range: () => this.#range },
        y: this.#spec.isLog
          ? { distr: LOGARITHMIC, range: (_, low, high) => decades(low, high) }
          : { range: (_, _low, high) => [0, niceTop(high)] },
      },
      axes: [
        {
          ...axis,
          size: 26,
          space: 48,
          values: (_, ticks) => ticks.map(format.clock),
        },
        {
          ...axis,
          size: 46,
          space: 30,
          ...(this.#spec.isLog && { grid: { ...axis.grid, filter: powers } }),
          values: (_, ticks) => ticks.map(tick),
        },
      ],
      series: [
        {},
        ...this.#spec.lines.map(({ name, means }) => ({
          label: name,
          stroke: color(`--${means}`),
          width: 1.5,
          fill: means === "amount" ? color("--fill") : undefined,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }

  get #width() {
    return Math.max(120, this.#plot.clientWidth);
  }

  /** Takes the width that there is. */
  fit() {
    if (this.#uplot.width !== this.#width) {
      this.#uplot.setSize({ width: this.#width, height: HEIGHT });
    }
  }

  draw(points, from, to) {
    this.#range = [from, to];
    this.#uplot.setData([
      points.map(({ time }) => time),
      ...this.#spec.lines.map(({ of }) =>
        points.map((point) => this.#drawable(point[of]))
      ),
    ]);
    this.#tell();
    this.#plot.setAttribute("aria-label", this.#summary(points.at(-1)));
  }

  /** A scale of powers of ten has no 0. */
  #drawable(value) {
    return this.#spec.isLog && value < LEAST ? LEAST : value;
  }

  /** The values under the cursor, or the last ones. */
  #tell() {
    const { data, cursor } = this.#uplot;
    const at = cursor.idx ?? data[0].length - 1;
    this.#values.forEach((value, line) =>
      setText(value, this.#spec.format(data[line + 1]?.[at]))
    );
  }

  #summary(point) {
    const { title, unit, lines, format } = this.#spec;
    const now = lines.map(({ of, name }) => `${name} ${format(point?.[of])}`);
    return `${title}, ${unit}, over five minutes. Now: ${now.join(", ")}.`;
  }

  destroy() {
    this.#uplot.destroy();
    this.#figure.remove();
  }
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name)
    .trim();
}

/** Where a scale may end, times a power of ten: few, so that it seldom jumps. */
const TOPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next of them that leaves a little room. */
function niceTop(high) {
  if (!(high > 0)) return 1;
  const wanted = 1.05 * high;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * TOPS.find((top) => top * power >= wanted);
}

/** From the power of ten below all to that above, two of them at least. */
function decades(low, high) {
  const least = Math.floor(Math.log10(low ?? 1));
  const most = Math.ceil(Math.log10(high ?? 10));
  return [10 ** least, 10 ** Math.max(most, least + 2)];
}

/** Lines for the powers of ten alone: those between make a grey of them. */
function powers(_, splits) {
  return splits.map((value) =>
    Number.isInteger(Math.log10(value)) ? value : null
  );
}

function tick(value) {
  if (value === null) return "";
  return value >= 10_000 || Number.isInteger(value)
    ? format.count(value)
    : String(Number(value.toPrecision(3)));
}

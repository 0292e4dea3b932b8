import { element, setText } from "./elements.js";
import * as format from "./format.js";

const HEIGHT = 150;

/** What is drawn: the lines by the names of the points' figures. */
const CHARTS = [
  {
    title: "Requests",
    unit: "per second",
    lines: { requests: "requests", errors: "errors" },
    format: format.figure,
  },
  {
    title: "Latency",
    unit: "ms",
    lines: { p50: "p50", p95: "p95", p99: "p99" },
    format: format.duration,
  },
  {
    title: "In progress",
    unit: "requests",
    lines: { inProgress: "requests" },
    format: format.count,
  },
  {
    title: "Event-loop lag",
    unit: "ms",
    lines: { lagP50: "p50", lagP99: "p99" },
    format: format.duration,
  },
  {
    title: "Memory",
    unit: "MiB",
    lines: { rss: "resident", heap: "heap" },
    format: format.memory,
  },
  {
    title: "CPU",
    unit: "% of a core",
    lines: { cpu: "used" },
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
  #names;
  #values;
  #figure;
  #plot;
  #uplot;
  #range = [0, 1];

  constructor(spec, parent) {
    this.#spec = spec;
    this.#names = Object.keys(spec.lines);
    this.#values = this.#names.map(() => element("span", "value"));
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
    this.#names.forEach((name, at) => {
      const line = element(
        "li",
        "",
        `${this.#spec.lines[name]} `,
        this.#values[at],
      );
      line.style.setProperty("--line-color", `var(--series-${at + 1})`);
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
        y: { range: (_, _low, high) => [0, niceTop(high)] },
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
          values: (_, ticks) => ticks.map(tick),
        },
      ],
      series: [
        {},
        ...this.#names.map((name, at) => ({
          label: this.#spec.lines[name],
          stroke: color(`--series-${at + 1}`),
          width: 1.5,
          fill: at === 0 ? color("--fill") : undefined,
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
      ...this.#names.map((name) => points.map((point) => point[name])),
    ]);
    this.#tell();
    this.#plot.setAttribute("aria-label", this.#summary(points.at(-1)));
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
    const now = this.#names.map((name) =>
      `${lines[name]} ${format(point?.[name])}`
    );
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

function tick(value) {
  return value >= 10_000 || Number.isInteger(value)
    ? format.count(value)
    : String(Number(value.toPrecision(3)));
}

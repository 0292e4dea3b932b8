import {
  breakable,
  element,
  Facts,
  KeyedChildren,
  setClass,
  setText,
} from "./elements.js";
import * as format from "./format.js";

/** Of each tile: its figure with the unit, two lines below, and when it is bad. */
const TILES = [
  {
    title: "Requests",
    figure: ({ point }) => [format.figure(point?.requests), "/s"],
    details: ({ metrics }) => [
      `${format.count(metrics.requests_total)} in all`,
      `${format.count(refused(metrics))} refused`,
    ],
  },
  {
    title: "Errors",
    figure: ({ point }) => [format.figure(point?.errors), "/s"],
    details: ({ metrics: { errors_total, requests_total } }) => [
      `${format.count(errors_total)} in all`,
      `${format.percent(errors_total, requests_total)} of requests`,
    ],
    isBad: ({ point }) => point?.errors > 0,
    leadsTo: "#trouble",
  },
  {
    title: "Latency, p95",
    figure: (state) => format.durationParts(latency(state).p95),
    details: (state) => [
      `p50 ${format.duration(latency(state).p50)}`,
      `p99 ${format.duration(latency(state).p99)}`,
    ],
  },
  {
    title: "In progress",
    figure: ({ metrics }) => [format.count(metrics.requests_in_progress), ""],
    details: ({ metrics }) => [
      metrics.waiting === 0
        ? "none in line"
        : `${format.count(metrics.waiting)} in line for ` +
          format.duration(metrics.queue_age_ms),
      `${format.count(metrics.tasks)} tasks`,
    ],
  },
  {
    title: "Loop lag, p99",
    figure: ({ metrics }) =>
      format.durationParts(metrics.event_loop?.lag_p99_ms),
    details: ({ metrics: { event_loop } }) =>
      event_loop === null ? ["not watched", ""] : [
        `max ${format.duration(event_loop.lag_max_ms)}`,
        `blocked ${format.count(event_loop.blocks)}×`,
      ],
  },
  {
    title: "Memory",
    figure: ({ metrics }) => format.memoryParts(metrics.memory_rss_mb),
    details: ({ metrics }) => [
      `heap ${format.memory(metrics.memory_heap_mb)}`,
      `virtual ${format.memory(metrics.memory_vms_mb)}`,
    ],
  },
  {
    title: "CPU",
    figure: ({ point }) => [
      format.figure(point?.cpu),
      point?.cpu == null ? "" : "%",
    ],
    details: ({ metrics }) => [
      `${format.longDuration(metrics.cpu_seconds)} in all`,
      `${format.count(metrics.thread_count)} threads, ` +
      `${format.count(metrics.fd_count)} files`,
    ],
  },
  {
    title: "Streams",
    figure: ({ metrics }) => [format.count(metrics.streams), ""],
    details: ({ metrics }) => [
      `${format.count(metrics.subscriptions)} subscriptions`,
      `${format.count(metrics.sessions)} sessions`,
    ],
  },
];

/** Of the last second, or of all time if no request ended in it. */
function latency({ point, metrics }) {
  return point?.p95 == null ? metrics.latency_ms : point;
}

function refused({ refused_by_status }) {
  return Object.values(refused_by_status).reduce((sum, n) => sum + n, 0);
}

/** The figures at the top. */
export class Tiles {
  #tiles;

  constructor(parent) {
    this.#tiles = TILES.map((spec) => {
      const figure = element("span");
      const unit = element("span", "unit");
      const shown = spec.leadsTo === undefined
        ? [figure, unit]
        : [linkTo(spec.leadsTo, figure, unit)];
      const lines = [element("dd", "detail"), element("dd", "detail")];
      const root = element(
        "div",
        "tile",
        element("dt", "", spec.title),
        element("dd", "figure", ...shown),
        ...lines,
      );
      parent.append(root);
      return { spec, root, figure, unit, lines };
    });
  }

  show(state) {
    for (const { spec, root, figure, unit, lines } of this.#tiles) {
      const [text, of] = spec.figure(state);
      setText(figure, text);
      setText(unit, of);
      spec.details(state).forEach((text, at) => setText(lines[at], text));
      setClass(root, spec.isBad?.(state) ? "tile bad" : "tile");
    }
  }
}

function linkTo(place, ...children) {
  const link = element("a", "", ...children);
  link.href = place;
  return link;
}

/** How a status looks; what isn't known isn't judged. */
export function badgeOf(status) {
  switch (status) {
    case "healthy":
      return "badge good";
    case "degraded":
      return "badge warn";
    case "unhealthy":
      return "badge bad";
    default:
      return "badge";
  }
}

/** The health checks, the worst first. */
export class Health {
  #card;
  #checks;

  constructor(card) {
    this.#card = card;
    const list = element("ul", "checks");
    card.append(list);
    this.#checks = new KeyedChildren(list, makeCheck, updateCheck);
  }

  show(report) {
    const checks = Object.entries(report?.checks ?? {});
    const order = ["unhealthy", "degraded", "healthy"];
    const rank = ([, { status }]) => (order.indexOf(status) + 4) % 4;
    checks.sort((one, other) => rank(one) - rank(other));
    this.#checks.show(checks);
    this.#card.hidden = checks.length === 0;
  }
}

function makeCheck(name) {
  const status = element("span");
  const took = element("span", "took muted");
  const message = element("span", "message");
  const root = element(
    "li",
    "",
    element("span", "name", ...breakable(name)),
    status,
    took,
    message,
  );
  return { root, status, took, message };
}

function updateCheck({ status, took, message }, check) {
  setClass(status, badgeOf(check.status));
  setText(status, format.words(check.status));
  setText(took, check.latency_ms > 0 ? format.duration(check.latency_ms) : "");
  setText(message, check.message ?? "");
  message.hidden = check.message === undefined;
}

/** Failures by kind, and what was refused before it reached a method. */
export class Errors {
  #card;
  #facts;

  constructor(card) {
    this.#card = card;
    this.#facts = new Facts(card);
  }

  show({ errors_by_kind, refused_by_cause, refused_by_status }) {
    const counts = [
      ...Object.entries(errors_by_kind).map(([kind, count]) => [
        format.words(kind),
        count,
      ]),
      ...Object.entries(refused_by_cause)
        .filter(([, count]) => count > 0)
        .map(([cause, count]) => [`refused: ${format.words(cause)}`, count]),
      ...Object.entries(refused_by_status).map(([status, count]) => [
        `refused with ${status}`,
        count,
      ]),
    ];
    counts.sort(([, one], [, other]) => other - one);
    this.#card.hidden = counts.length === 0;
    this.#facts.show(
      counts.map(([name, count]) => [name, format.count(count)]),
    );
  }
}

/** What the operating system tells of the process. */
export class Process {
  #facts;

  constructor(parent) {
    this.#facts = new Facts(parent);
  }

  show(metrics) {
    this.#facts.show([
      ["started", format.moment(metrics.start_time)],
      ["up", format.longDuration(metrics.uptime_seconds)],
    ]);
  }
}

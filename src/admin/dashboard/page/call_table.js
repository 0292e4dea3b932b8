import {
  breakable,
  columnHead,
  element,
  KeyedChildren,
  setClass,
  setText,
} from "./elements.js";
import * as format from "./format.js";
import { NameFilter } from "./name_filter.js";

/** Of each column: its figure, and how it is written. */
const COLUMNS = [
  { title: "total time", of: (call) => call.total_ms, as: format.duration },
  { title: "calls", of: (call) => call.calls, as: format.count },
  {
    title: "errors",
    of: (call) => call.errors,
    as: format.count,
    isBad: (call) => call.errors > 0.01 * call.calls,
  },
  {
    title: "p50",
    of: (call) => call.latency_ms.p50,
    as: format.duration,
    minor: true,
  },
  { title: "p95", of: (call) => call.latency_ms.p95, as: format.duration },
  {
    title: "p99",
    of: (call) => call.latency_ms.p99,
    as: format.duration,
    minor: true,
  },
  {
    title: "queued",
    of: (call) => call.queued_ms,
    as: format.duration,
    minor: true,
  },
  {
    title: "now",
    of: (call) => call.in_progress,
    as: format.count,
    minor: true,
  },
];

/** Calls by name, the costliest first unless another column is asked for. */
export class CallTable {
  #title;
  #column = COLUMNS[0];
  #heads;
  #rows;
  #filter;
  #table;
  #calls = {};

  /** @param what of what there is a row each, such as `tool` */
  constructor(root, what, title) {
    this.#filter = new NameFilter(
      `${what}s`,
      `No ${what} has been called yet.`,
      () => this.#draw(),
    );
    this.#title = element(
      root.tagName === "DETAILS" ? "summary" : "h2",
      "",
      title,
      " ",
      this.#filter.count,
    );
    this.#heads = COLUMNS.map((column) => this.#head(column));
    const body = element("tbody");
    this.#rows = new KeyedChildren(body, makeRow, updateRow);
    this.#table = element(
      "table",
      "",
      element(
        "thead",
        "",
        element("tr", "", columnHead(what), ...this.#heads),
      ),
      body,
    );
    const scroll = element("div", "scroll", this.#table);
    this.#place(root, scroll);
    this.#sortBy(COLUMNS[0]);
  }

  #place(root, scroll) {
    const { input, note } = this.#filter;
    if (root.tagName === "DETAILS") {
      root.append(this.#title, input, scroll, note);
    } else {
      root.append(element("div", "head", this.#title, input), scroll, note);
    }
  }

  #head(column) {
    const button = element("button", "", column.title);
    button.type = "button";
    button.addEventListener("click", () => this.#sortBy(column));
    return columnHead(button, column.minor ? "minor" : "");
  }

  #sortBy(column) {
    this.#column = column;
    COLUMNS.forEach((each, at) => {
      if (each === column) {
        this.#heads[at].setAttribute("aria-sort", "descending");
      } else {
        this.#heads[at].removeAttribute("aria-sort");
      }
    });
    this.#draw();
  }

  /** @param calls summaries by name */
  show(calls) {
    this.#calls = calls;
    this.#draw();
  }

  #draw() {
    const all = Object.entries(this.#calls);
    const { of } = this.#column;
    const chosen = this.#filter.select(
      all,
      ([a, one], [b, other]) => of(other) - of(one) || a.localeCompare(b),
    );
    const total = all.reduce((sum, [, call]) => sum + call.total_ms, 0);
    this.#rows.show(
      chosen.map(([name, call]) => [
        name,
        { call, share: total > 0 ? call.total_ms / total : 0 },
      ]),
    );
    this.#table.hidden = chosen.length === 0;
  }
}

function makeRow(name) {
  const bar = element("span");
  const head = element(
    "th",
    "",
    ...breakable(name),
    element("span", "share", bar),
  );
  head.scope = "row";
  const cells = COLUMNS.map(() => element("td"));
  return { root: element("tr", "", head, ...cells), bar, cells };
}

function updateRow({ bar, cells }, { call, share }) {
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  COLUMNS.forEach(({ of, as, isBad, minor }, at) => {
    const value = of(call);
    setText(cells[at], as(value));
    const look = value === 0 ? "none" : isBad?.(call) ? "bad" : "";
    setClass(cells[at], minor ? `minor ${look}` : look);
  });
}

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
  },
  { title: "p95", of: (call) => call.latency_ms.p95, as: format.duration },
  {
    title: "p99",
    of: (call) => call.latency_ms.p99,
    as: format.duration,
  },
  {
    title: "queued",
    of: (call) => call.queued_ms,
    as: format.duration,
  },
  {
    title: "now",
    of: (call) => call.in_progress,
    as: format.count,
  },
];

/** Calls by name, the costliest first unless another column is asked for. */
export class CallTable {
  #title;
  #column = COLUMNS[0];
  #heads;
  #rows;
  #filter;
  #root;
  #table;
  #calls = {};
  #onErrors;

  /**
   * @param what of what there is a row each, such as `tool`
   * @param onErrors is called with the name of one whose errors are looked for
   */
  constructor(root, what, title, onErrors) {
    this.#root = root;
    this.#onErrors = (name) => onErrors(`${what} ${name}`);
    this.#filter = new NameFilter(
      `${what}s`,
      "",
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
    this.#rows = new KeyedChildren(
      body,
      (name) => makeRow(name, this.#onErrors),
      updateRow,
    );
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
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", title);
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
    return columnHead(button);
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
    this.#root.hidden = all.length === 0;
  }
}

function makeRow(name, onErrors) {
  const bar = element("span");
  const head = element(
    "th",
    "",
    ...breakable(name),
    element("span", "share", bar),
  );
  head.scope = "row";
  const tds = COLUMNS.map(() => element("td"));
  const cells = COLUMNS.map(({ isBad }, at) => {
    if (isBad === undefined) return tds[at];
    const link = element("a");
    link.href = "#trouble";
    link.addEventListener("click", () => onErrors(name));
    tds[at].append(link);
    return link;
  });
  return { root: element("tr", "", head, ...tds), bar, cells };
}

function updateRow({ bar, cells }, { call, share }) {
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  const called = call.calls > 0 || call.in_progress > 0;
  COLUMNS.forEach(({ of, as, isBad }, at) => {
    const value = called ? of(call) : null;
    setText(cells[at], as(value));
    setClass(cells[at], !value ? "none" : isBad?.(call) ? "bad" : "");
  });
}

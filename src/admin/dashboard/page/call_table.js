import {
  breakable,
  element,
  KeyedChildren,
  setClass,
  setText,
} from "./elements.js";
import * as format from "./format.js";

/** More rows than these tell nobody anything. */
const MAX_ROWS = 20;

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
  #count = element("span", "muted");
  #what;
  #column = COLUMNS[0];
  #heads;
  #rows;
  #filter = element("input");
  #table;
  #note = element("p", "empty");
  #calls = {};

  /** @param what of what there is a row each, such as `tool` */
  constructor(root, what, title) {
    this.#what = what;
    this.#title = element(
      root.tagName === "DETAILS" ? "summary" : "h2",
      "",
      title,
      " ",
      this.#count,
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
    this.#labelFilter();
    this.#place(root, scroll);
    this.#sortBy(COLUMNS[0]);
  }

  #place(root, scroll) {
    if (root.tagName === "DETAILS") {
      root.append(this.#title, this.#filter, scroll, this.#note);
    } else {
      root.append(
        element("div", "head", this.#title, this.#filter),
        scroll,
        this.#note,
      );
    }
  }

  #labelFilter() {
    this.#filter.type = "search";
    this.#filter.placeholder = `Filter ${this.#what}s`;
    this.#filter.setAttribute("aria-label", `Filter ${this.#what}s by name`);
    this.#filter.addEventListener("input", () => this.#draw());
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
    const asked = this.#filter.value.trim().toLowerCase();
    const matching = all.filter(([name]) => name.toLowerCase().includes(asked));
    const { of } = this.#column;
    matching.sort(([a, one], [b, other]) =>
      of(other) - of(one) || a.localeCompare(b)
    );
    const total = all.reduce((sum, [, call]) => sum + call.total_ms, 0);
    this.#rows.show(
      matching.slice(0, MAX_ROWS).map(([name, call]) => [
        name,
        { call, share: total > 0 ? call.total_ms / total : 0 },
      ]),
    );
    this.#tellCount(all.length, matching.length);
  }

  #tellCount(all, matching) {
    const what = `${this.#what}s`;
    setText(this.#count, format.count(all));
    this.#table.hidden = matching === 0;
    this.#filter.hidden = all <= 5;
    if (all === 0) setText(this.#note, `No ${this.#what} has been called yet.`);
    else if (matching === 0) {
      setText(this.#note, `None of ${all} ${what} matches.`);
    } else if (matching > MAX_ROWS) {
      setText(
        this.#note,
        `The first ${MAX_ROWS} of ${format.count(matching)} ${what}.`,
      );
    } else setText(this.#note, "");
    this.#note.hidden = this.#note.textContent === "";
  }
}

function columnHead(content, className = "") {
  const head = element("th", className, content);
  head.scope = "col";
  return head;
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

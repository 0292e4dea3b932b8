import { breakable, element, KeyedChildren, setText } from "./elements.js";
import * as format from "./format.js";

/** A card for every kind of instrument: a row for each, a column per measure. */
export class Instruments {
  #kinds;

  constructor(parent) {
    this.#kinds = new KeyedChildren(
      parent,
      makeCard,
      ({ table }, readings) => table.show(readings),
    );
  }

  /** @param kinds the readings by kind */
  show(kinds) {
    this.#kinds.show(
      Object.entries(kinds).filter(([, readings]) => readings.length > 0),
    );
  }
}

function makeCard(kind) {
  const title = element("h2", "", heading(kind));
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", heading(kind));
  return {
    root: element("section", "card", title, scroll),
    table: new ReadingTable(scroll),
  };
}

/** A kind, of many: `http_origin` is `HTTP origins`. */
function heading(kind) {
  const name = format.words(kind).replace(/^http\b/, "HTTP");
  const many = /(s|x|ch)$/.test(name) ? `${name}es` : `${name}s`;
  return many[0].toUpperCase() + many.slice(1);
}

/** The readings of one kind; its columns are what the readings have. */
class ReadingTable {
  #parent;
  #columns = "";
  #rows;

  constructor(parent) {
    this.#parent = parent;
  }

  show(readings) {
    const names = Object.keys(readings[0].values);
    const columns = columnsOf(names);
    if (names.join() !== this.#columns) {
      this.#columns = names.join();
      this.#rebuild(columns);
    }
    this.#rows.show(
      readings.map(({ labels, values }) => [
        nameOf(labels),
        columns.map(({ text }) => text(values)),
      ]),
    );
  }

  #rebuild(columns) {
    const titles = ["name", ...columns.map(({ title }) => title)];
    const body = element("tbody");
    this.#rows = new KeyedChildren(
      body,
      (name) => makeRow(name, columns),
      updateRow,
    );
    this.#parent.replaceChildren(
      element(
        "table",
        "",
        element("thead", "", element("tr", "", ...titles.map(columnHead))),
        body,
      ),
    );
  }
}

function columnHead(title) {
  const head = element("th", "", title);
  head.scope = "col";
  return head;
}

function makeRow(name, columns) {
  const head = element("th", "", ...breakable(name));
  head.scope = "row";
  const cells = columns.map(() => element("td"));
  return { root: element("tr", "", head, ...cells), cells };
}

function updateRow({ cells }, texts) {
  texts.forEach((text, at) => {
    setText(cells[at], text);
    cells[at].className = text === "0" || text === "–" ? "none" : "";
  });
}

/** The name, and what else tells it from others: `users · origin a.example`. */
function nameOf({ name, ...others }) {
  const rest = Object.entries(others).map(([label, value]) =>
    `${format.words(label)} ${value}`
  );
  return [name, ...rest].join(" · ");
}

/** A column for each measure, and first the share of hits where those are told. */
function columnsOf(names) {
  const columns = names.map((name) => ({
    title: title(name),
    text: (values) => write(name, values[name]),
  }));
  if (names.includes("hits") && names.includes("misses")) {
    columns.unshift({
      title: "hit rate",
      text: ({ hits, misses }) => format.percent(hits, hits + misses),
    });
  }
  return columns;
}

/** A measure's name without the unit, which the figures bear. */
function title(name) {
  return format.words(name.replace(/_(ms|seconds|bytes)$/, ""));
}

function write(name, value) {
  if (name.endsWith("_ms")) return format.duration(value);
  if (name.endsWith("_seconds")) return format.duration(1_000 * value);
  if (/(^|_)bytes$/.test(name)) return format.bytes(value);
  return Number.isInteger(value) ? format.count(value) : format.figure(value);
}

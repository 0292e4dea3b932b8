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
import { thingsOf } from "./thing_parts.js";

/** For how long a figure that counts failures is red after it has grown. */
const HURTS_MS = 60_000;

/** Of each column beside the name and the part: its figure in words. */
const COLUMNS = [
  { title: "in use", of: ({ use }) => use },
  { title: "waiting", of: ({ waiting }) => number(waiting) },
  { title: "in all", of: ({ done }) => number(done) },
  { title: "failed", of: ({ failed }) => number(failed) },
  { title: "hits or time", of: ({ quality }) => quality },
];

function number(value) {
  return value === undefined ? undefined : format.count(value);
}

/**
 * What the server works with, a card each: the pool, the circuit and the cache of
 * one name stand on one card, and the same column is at the same place on all.
 */
export class Things {
  #card;
  #filter = new NameFilter("things", "", () => this.#draw());
  #all = element("button", "", "Show zeros");
  #things;
  #showsAll = false;
  #kinds = {};

  constructor(card) {
    this.#card = card;
    this.#all.type = "button";
    this.#all.setAttribute("aria-pressed", "false");
    this.#all.addEventListener("click", () => {
      this.#showsAll = !this.#showsAll;
      this.#all.setAttribute("aria-pressed", String(this.#showsAll));
      this.#draw();
    });
    const { input, count, note } = this.#filter;
    const title = element("h2", "", "Pools, caches and limits ", count);
    const list = element("div", "things");
    this.#things = new KeyedChildren(
      list,
      (name) => new Thing(name),
      (thing, parts) => thing.show(parts, this.#showsAll),
    );
    card.append(element("div", "head", title, this.#all, input), list, note);
  }

  /** @param kinds the readings by kind */
  show(kinds) {
    this.#kinds = kinds;
    this.#draw();
  }

  #draw() {
    const things = thingsOf(this.#kinds);
    this.#card.hidden = things.length === 0;
    this.#things.show(this.#filter.select(things, worstFirst));
  }
}

/** By how bad their state is, and then by name. */
function worstFirst([a, one], [b, other]) {
  return rankOf(other) - rankOf(one) || a.localeCompare(b);
}

function rankOf(parts) {
  return Math.max(...parts.map(({ state }) => state?.rank ?? 0));
}

/** The card of one thing: a row for each of its parts. */
class Thing {
  root;
  #parts;

  constructor(name) {
    const body = element("tbody");
    let first = true;
    this.#parts = new KeyedChildren(body, (_key, part) => {
      const made = new Part(name, part, first);
      first = false;
      return made;
    }, (made, { part, showsAll }) => made.show(part, showsAll));
    const columns = [
      ...["name", "part", "state"],
      ...COLUMNS.map(() => "figure"),
      "others",
    ];
    this.root = element(
      "div",
      "thing",
      element(
        "table",
        "",
        element(
          "colgroup",
          "",
          ...columns.map((name) => element("col", name)),
        ),
        element("thead", "", heads()),
        body,
      ),
    );
  }

  show(parts, showsAll) {
    this.#parts.show(parts.map((part) => [part.key, { part, showsAll }]));
  }
}

function heads() {
  const titles = [
    "name",
    "part",
    "state",
    ...COLUMNS.map(({ title }) => title),
  ];
  return element(
    "tr",
    "",
    ...titles.map((title) => columnHead(title)),
    columnHead("others", "others"),
  );
}

/** A row: what a part is at, and what else is known of it. */
class Part {
  root;
  #state = element("span");
  #cells;
  #others = element("td", "others");
  #failed = 0;
  #failedAt = -Infinity;

  constructor(name, { part: { words, tags, failed } }, first) {
    this.#failed = failed ?? 0;
    this.#cells = COLUMNS.map(({ title }) => {
      const cell = element("td");
      cell.dataset.title = title;
      return cell;
    });
    const label = element("span", first ? "" : "again", ...breakable(name));
    const head = element("th", "", label);
    head.scope = "row";
    const part = element("td", "part", words);
    for (const tag of tags) {
      part.append(" ", element("span", "tag", ...breakable(tag)));
    }
    const state = element("td", "state", this.#state);
    this.root = element(
      "tr",
      "",
      head,
      part,
      state,
      ...this.#cells,
      this.#others,
    );
  }

  show(part, showsAll) {
    const { state, failed = 0, others } = part;
    this.#state.hidden = state === undefined;
    setText(this.#state, state?.text ?? "");
    setClass(this.#state, `badge ${state?.look ?? ""}`);
    if (failed > this.#failed) this.#failedAt = performance.now();
    this.#failed = failed;
    const hurts = performance.now() - this.#failedAt < HURTS_MS;
    COLUMNS.forEach(({ title, of }, at) => {
      const text = of(part) ?? "";
      setText(this.#cells[at], text);
      const none = /^(0( of .*)?|–)$/.test(text) ? "none" : "";
      setClass(this.#cells[at], title === "failed" && hurts ? "bad" : none);
    });
    const told = others.filter(({ value }) => showsAll || value !== 0);
    setText(
      this.#others,
      told.map(({ title, text }) => `${title} ${text}`).join(", "),
    );
  }
}

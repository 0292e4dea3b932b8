import {
  breakable,
  element,
  KeyedChildren,
  setClass,
  setText,
} from "./elements.js";
import * as format from "./format.js";
import { kindWords, measuresOf, stateOf } from "./instrument_kinds.js";
import { NameFilter } from "./name_filter.js";

/** With more instruments or measures than these, a card takes the whole width. */
const FEW = 3;
const FEW_MEASURES = 6;

/** A card for every kind of instrument. */
export class Instruments {
  #kinds;

  constructor(parent) {
    this.#kinds = new KeyedChildren(
      parent,
      (kind) => new KindCard(kind),
      (card, readings) => card.show(readings),
    );
  }

  /** @param kinds the readings by kind */
  show(kinds) {
    this.#kinds.show(
      Object.entries(kinds).filter(([, readings]) => readings.length > 0),
    );
  }
}

/**
 * The instruments of one kind, each with its figures. What is 0 in all of them
 * since the page was opened isn't shown unless asked for.
 */
class KindCard {
  root;
  #kind;
  #filter;
  #instruments;
  #more = element("button");
  #showsAll = false;
  #moving = new Set();
  #readings = [];

  constructor(kind) {
    this.#kind = kind;
    const words = kindWords(kind);
    this.#filter = new NameFilter(words, "", () => this.#draw());
    this.#more.type = "button";
    this.#more.addEventListener("click", () => {
      this.#showsAll = !this.#showsAll;
      this.#draw();
    });
    const list = element("div");
    this.#instruments = new KeyedChildren(list, makeInstrument, update);
    const { input, count, note } = this.#filter;
    const title = element("h2", "", format.capitalized(words), " ", count);
    this.root = element(
      "section",
      "card",
      element("div", "head", title, this.#more, input),
      list,
      note,
    );
  }

  show(readings) {
    this.#readings = readings;
    this.#draw();
  }

  #draw() {
    const measures = this.#measures();
    const items = this.#readings.map(({ labels, values }) => {
      const state = stateOf(this.#kind, values);
      const figures = measures.filter(({ of }) => of(values) !== undefined)
        .map(({ title, text }) => [title, text(values)]);
      return [Object.values(labels).join(" "), { labels, state, figures }];
    });
    this.#instruments.show(this.#filter.select(items, worstFirst));
    const isWide = items.length > FEW || this.#moving.size > FEW_MEASURES;
    setClass(this.root, isWide ? "card wide" : "card");
  }

  #measures() {
    const names = new Set(
      this.#readings.flatMap(({ values }) => Object.keys(values)),
    );
    const measures = measuresOf(this.#kind, names);
    for (const measure of measures) {
      if (this.#readings.some(({ values }) => measure.of(values) > 0)) {
        this.#moving.add(measure.title);
      }
    }
    const moving = measures.filter(({ title }) => this.#moving.has(title));
    this.#offer(measures.length - moving.length);
    return this.#showsAll ? measures : moving;
  }

  #offer(hidden) {
    this.#more.hidden = hidden === 0;
    const text = this.#showsAll ? "Hide zeros" : `${hidden} more, all 0`;
    setText(this.#more, text);
    this.#more.setAttribute("aria-label", `${text}: ${kindWords(this.#kind)}`);
  }
}

/** By how bad their state is, and then by name. */
function worstFirst([a, one], [b, other]) {
  return (other.state?.rank ?? 0) - (one.state?.rank ?? 0) ||
    a.localeCompare(b);
}

function makeInstrument(_key, { labels }) {
  const state = element("span");
  const list = element("dl", "figures");
  const title = element("div", "title", titleOf(labels), state);
  return {
    root: element("div", "instrument", title, list),
    state,
    list,
    figures: new KeyedChildren(list, makeFigure, updateFigure),
  };
}

function update(shown, { state, figures }) {
  shown.state.hidden = state === undefined;
  setText(shown.state, state?.text ?? "");
  setClass(shown.state, `badge ${state?.look ?? ""}`);
  shown.figures.show(figures);
  shown.list.hidden = figures.length === 0;
}

/**
 * The name, and faintly what else tells it from others. An origin goes without
 * the name that its pool has when nobody gave it one.
 */
function titleOf({ name, ...others }) {
  const [first, ...rest] = name === "http_pool" && others.origin !== undefined
    ? Object.values(others)
    : [name, ...Object.values(others).filter((label) => label !== name)];
  const title = element("h3", "", ...breakable(first));
  for (const label of rest) {
    title.append(" ", element("span", "tag", ...breakable(label)));
  }
  return title;
}

function makeFigure(title) {
  const value = element("dd");
  return { root: element("div", "", element("dt", "", title), value), value };
}

function updateFigure({ value }, text) {
  setText(value, text);
  setClass(value, /^(0( \S+)?|–)$/.test(text) ? "none" : "");
}

import {
  breakable,
  columnHead,
  element,
  KeyedChildren,
  setText,
} from "./elements.js";
import * as format from "./format.js";
import { NameFilter } from "./name_filter.js";

/** The metrics that the server's author has added; nothing while there is none. */
export class OwnMetrics {
  #card;
  #filter = new NameFilter("metrics", "", () => this.#draw());
  #rows;
  #table;
  #values = {};

  constructor(card) {
    this.#card = card;
    const { input, count, note } = this.#filter;
    const body = element("tbody");
    this.#rows = new KeyedChildren(body, makeRow, updateRow);
    const heads = ["metric", "value"].map((title) => columnHead(title));
    this.#table = element(
      "table",
      "",
      element("thead", "", element("tr", "", ...heads)),
      body,
    );
    const title = element("h2", "", "Own metrics ", count);
    card.append(element("div", "head", title, input), this.#table, note);
  }

  /** @param values by series, such as `shop_orders{channel="mcp"}` */
  show(values) {
    this.#values = values;
    this.#draw();
  }

  #draw() {
    const all = Object.entries(this.#values);
    const chosen = this.#filter.select(all);
    this.#rows.show(chosen);
    this.#table.hidden = chosen.length === 0;
    this.#card.hidden = all.length === 0;
  }
}

function makeRow(series) {
  const [, name, labels] = /^([^{]*)(?:\{(.*)\})?$/s.exec(series);
  const head = element("th", "", ...breakable(name));
  head.scope = "row";
  if (labels !== undefined) {
    head.append(" ", element("span", "tag", ...breakable(labels)));
  }
  const value = element("td");
  return { root: element("tr", "", head, value), value };
}

/** Without a unit: a histogram's name bears one, but its count has none. */
function updateRow({ value }, figure) {
  setText(
    value,
    Number.isInteger(figure) ? format.count(figure) : format.figure(figure),
  );
}

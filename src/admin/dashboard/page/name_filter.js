import { element, setText } from "./elements.js";
import * as format from "./format.js";

/** More rows than these tell nobody anything. */
const MAX_ROWS = 20;

/** Among so few one finds what one looks for without. */
const FEW = 5;

/** Finds by name what is one of many, and tells how many there are. */
export class NameFilter {
  /** Where the name is asked for. */
  input = element("input");
  /** How many there are. */
  count = element("span", "muted");
  /** What isn't shown, in words. */
  note = element("p", "empty");
  #what;
  #whenEmpty;

  /**
   * @param what what is filtered, in the plural, such as `tools`
   * @param whenEmpty what is said while there is none
   * @param onChange is called when another name is asked for
   */
  constructor(what, whenEmpty, onChange) {
    this.#what = what;
    this.#whenEmpty = whenEmpty;
    this.input.type = "search";
    this.input.placeholder = `Filter ${what}`;
    this.input.setAttribute("aria-label", `Filter ${what} by name`);
    this.input.addEventListener("input", onChange);
  }

  /**
   * The first of those whose names match.
   *
   * @param items pairs of name and value
   * @param order how to sort them; by name unless that is said
   */
  select(items, order = byName) {
    const asked = this.input.value.trim().toLowerCase();
    const matching = items.filter(([name]) =>
      name.toLowerCase().includes(asked)
    ).sort(order);
    setText(this.count, format.count(items.length));
    this.input.hidden = items.length <= FEW;
    setText(this.note, this.#words(items.length, matching.length));
    this.note.hidden = this.note.textContent === "";
    return matching.slice(0, MAX_ROWS);
  }

  #words(all, matching) {
    if (all === 0) return this.#whenEmpty;
    if (matching === 0) return `None of ${all} ${this.#what} matches.`;
    return matching > MAX_ROWS
      ? `The first ${MAX_ROWS} of ${format.count(matching)} ${this.#what}.`
      : "";
  }
}

function byName([a], [b]) {
  return a.localeCompare(b);
}

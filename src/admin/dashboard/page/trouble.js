import {
  breakable,
  element,
  KeyedChildren,
  setClass,
  setText,
} from "./elements.js";
import * as format from "./format.js";
import { NameFilter } from "./name_filter.js";

/** The last calls that failed or were slow, with the ids that the log has of them. */
export class Trouble {
  #card;
  #filter = new NameFilter("calls", "", () => this.#draw());
  #calls;
  #all = [];

  constructor(card) {
    this.#card = card;
    const { input, count, note } = this.#filter;
    const title = element("h2", "", "Failed or slow, lately ", count);
    const list = element("ul", "calls");
    this.#calls = new KeyedChildren(list, makeCall, updateCall);
    card.append(element("div", "head", title, input), list, note);
  }

  /** @param calls the latest first */
  show(calls) {
    this.#all = calls;
    this.#draw();
  }

  /** Shows those of one name alone. */
  of(name) {
    this.#filter.input.value = name;
    this.#draw();
  }

  #draw() {
    this.#card.hidden = this.#all.length === 0;
    this.#calls.show(this.#filter.select(
      this.#all.map((call) => [`${call.name} ${call.call}`, call]),
      () => 0,
    ));
  }
}

function makeCall(_key, { time, call, name, message }) {
  const what = element("span");
  const took = element("span", "took");
  const moment = element("time", "muted", format.timeOfDay(Date.parse(time)));
  moment.dateTime = time;
  const id = element("code", "", call);
  const text = element("span", "message", message ?? "");
  text.hidden = message === undefined;
  const root = element(
    "li",
    "",
    moment,
    element("span", "name", ...breakable(name)),
    what,
    took,
    id,
    text,
  );
  return { root, what, took };
}

function updateCall({ what, took }, { failure, slow, tookMs }) {
  setText(what, failure === undefined ? "slow" : format.words(failure));
  setClass(what, failure === undefined ? "badge warn" : "badge bad");
  setText(took, format.duration(tookMs));
  setClass(took, slow ? "took slow" : "took");
}

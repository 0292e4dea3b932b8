import { Facts } from "./elements.js";
import * as format from "./format.js";

/** More names than these tell nobody anything. */
const MAX_NAMES = 10;

/** Who has blocked the event loop, for how long: the worst first. */
export class Blocks {
  #card;
  #facts;

  constructor(card) {
    this.#card = card;
    this.#facts = new Facts(card);
  }

  show({ event_loop }) {
    const { blocks = 0, starved = 0 } = event_loop ?? {};
    this.#card.hidden = blocks + starved === 0;
    if (this.#card.hidden) return;
    const known = Object.entries(event_loop.blocked_by);
    known.sort(([, one], [, other]) => other.blocked_ms - one.blocked_ms);
    const facts = known.slice(0, MAX_NAMES).map(([name, each]) => [
      name,
      `${times(each.blocks)}, ${format.duration(each.blocked_ms)}`,
    ]);
    const unknown = known.reduce(
      (left, [, { blocks }]) => left - blocks,
      event_loop.blocks,
    );
    if (unknown > 0) facts.push(["not known for certain", times(unknown)]);
    if (starved > 0) {
      facts.push([
        "nobody: no CPU to be had",
        `${times(starved)}, ${format.duration(event_loop.starved_ms)}`,
      ]);
    }
    this.#facts.show(facts);
  }
}

function times(count) {
  return `${format.count(count)}×`;
}

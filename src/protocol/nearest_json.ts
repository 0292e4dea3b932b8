import {
  isBytes,
  isSomeObject,
  MAX_DEPTH,
  saidBy,
  saysItself,
  UNSAYABLE,
  verdictOf,
} from "./json_verdict.ts";

/** Arrays and objects of a value that is told as it is. */
const MAX_TOLD_WHOLE = 100_000;

/** Parts that are told of a value without a form; long texts count for several. */
const MAX_TOLD = 10_000;
const TOLD_CHARACTERS = 1_000;

/** Stands for the parts that are left untold. */
const MORE = "[more]";

/**
 * The nearest to a value that JSON can say, for what must be told whatever it
 * is: a Map as an object, a Set as an array, an Error as its text, anything else
 * without a form as the words for it. A value that has to be told like that is
 * told up to its 10,000th part.
 */
export function nearestJson(value: unknown): unknown {
  if (value === undefined) return null;
  try {
    return verdictOf(value, MAX_TOLD_WHOLE) === UNSAYABLE
      ? new Telling().tell(value)
      : value;
  } catch {
    return "[unreadable]";
  }
}

/** One value being told: there are endless ways among objects that know each other. */
class Telling {
  readonly #above: unknown[] = [];
  #left = MAX_TOLD;

  tell(value: unknown): unknown {
    this.#left -= 1 +
      (typeof value === "string" ? value.length / TOLD_CHARACTERS : 0);
    if (!isSomeObject(value)) return nearestPrimitive(value);
    if (this.#above.includes(value)) return "[circular]";
    if (this.#above.length > MAX_DEPTH) return "[too deep]";
    this.#above.push(value);
    const told = this.#tellObject(value);
    this.#above.pop();
    return told;
  }

  #tellObject(value: object): unknown {
    if (value instanceof Error) return String(value);
    if (value instanceof Set || Array.isArray(value)) {
      return this.#tellItems(value);
    }
    if (value instanceof Map) return this.#tellMembers(value);
    if (saysItself(value)) {
      const said = saidBy(value);
      return said === value || said === undefined
        ? String(value)
        : this.tell(said);
    }
    if (isBytes(value)) return `[${value.byteLength} bytes]`;
    const members = Object.entries(value);
    return members.length === 0 && verdictOf(value) === UNSAYABLE
      ? `[${value.constructor?.name || "object"}]`
      : this.#tellMembers(members);
  }

  #tellItems(items: Iterable<unknown>): unknown[] {
    const told: unknown[] = [];
    for (const item of items) {
      if (this.#left <= 0) return [...told, MORE];
      told.push(this.tell(item) ?? null);
    }
    return told;
  }

  #tellMembers(members: Iterable<readonly [unknown, unknown]>): object {
    const told: [string, unknown][] = [];
    for (const [key, each] of members) {
      const isOver = this.#left <= 0;
      told.push([String(key), isOver ? MORE : this.tell(each)]);
      if (isOver) break;
    }
    return Object.fromEntries(told);
  }
}

function nearestPrimitive(value: unknown): unknown {
  if (typeof value === "function") return `[function ${value.name}]`;
  return typeof value === "bigint" || typeof value === "symbol" ||
      (typeof value === "number" && !Number.isFinite(value))
    ? String(value)
    : value;
}

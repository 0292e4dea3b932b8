import { isPlainObject } from "../../base/plain_value.ts";
import { keyOfList } from "../cache_key.ts";

/** A power of two, and twice what a cache keeps by default: 0.6 MB when full. */
const SLOTS = 2_048;
/** Number of slots in a row that a key may lie in, whatever its hash. */
const REACH = 8;
/** Length above which a text isn't remembered: it would take too long to recognise. */
const LONGEST_TEXT = 64;
/** Length above which a key isn't remembered: it would take too much memory. */
const LONGEST_KEY = 500;

/** A key, and what it was made of. */
interface KnownKey {
  readonly hash: number;
  readonly names: readonly string[];
  readonly values: readonly unknown[];
  readonly key: string;
}

/**
 * Makes the keys of calls, and remembers those of flat objects, as most
 * arguments are: with a key that is at hand a hit takes less than half the time
 * (bench/cache/memory.ts). Not in a Map, which would take a tenth more.
 */
export class KeyMemo {
  readonly #prefix: string;
  #slots: (KnownKey | undefined)[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The prefix and the {@linkcode cacheKey} of the values. */
  keyOf(values: readonly unknown[]): string {
    const first = values[0];
    if (values.length === 1 && isPlainObject(first)) {
      const hash = hashOf(first);
      if (hash !== undefined) return this.#find(hash, first);
    }
    return this.#prefix + keyOfList(values);
  }

  #find(hash: number, object: Record<string, unknown>): string {
    for (let i = 0; i < REACH; i++) {
      const known = this.#slots[slotOf(hash, i)];
      if (known === undefined) break;
      if (known.hash === hash && isMadeOf(known, object)) return known.key;
    }
    return this.#learn(hash, object);
  }

  /** From a copy, lest a getter gives the key one value and the memo another. */
  #learn(hash: number, object: Record<string, unknown>): string {
    const copy = { ...object };
    const key = this.#prefix + keyOfList([copy]);
    if (key.length <= LONGEST_KEY && hashOf(copy) === hash) {
      const names = Object.keys(copy);
      this.#put({ hash, names, values: Object.values(copy), key });
    }
    return key;
  }

  /** In the first empty slot, or in place of another key. */
  #put(known: KnownKey): void {
    if (this.#slots.length === 0) this.#slots = Array(SLOTS).fill(undefined);
    let i = 0;
    while (i < REACH && this.#slots[slotOf(known.hash, i)] !== undefined) i++;
    this.#slots[slotOf(known.hash, i % REACH)] = known;
  }
}

function slotOf(hash: number, i: number): number {
  return (hash + i) & (SLOTS - 1);
}

/** Of what may be remembered: an object of which no value can change inside. */
function hashOf(object: Record<string, unknown>): number | undefined {
  let hash = 0;
  for (const name in object) {
    const part = hashOfValue(object[name]);
    if (part === undefined) return undefined;
    hash = Math.imul(hash ^ part, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return Object.getOwnPropertySymbols(object).length === 0 ? hash : undefined;
}

function hashOfValue(value: unknown): number | undefined {
  switch (typeof value) {
    case "number":
      return value * 1e6 | 0;
    case "string":
      return hashOfString(value);
    case "boolean":
      return value ? 1 : 2;
    case "undefined":
      return 3;
    default:
      return value === null ? 4 : undefined;
  }
}

function hashOfString(text: string): number | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  let hash = text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash, 31) + text.charCodeAt(i) | 0;
  }
  return hash;
}

/** With the names in the order they had, which needn't be that of the key. */
function isMadeOf(
  { names, values }: KnownKey,
  object: Record<string, unknown>,
): boolean {
  let i = 0;
  for (const name in object) {
    if (names[i] !== name || values[i] !== object[name]) return false;
    i++;
  }
  return i === names.length;
}

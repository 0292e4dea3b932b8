import { SluiceError } from "../base/errors.ts";

/** Depth to which a value may nest; what goes round in a circle is deeper. */
const MAX_DEPTH = 1_000;

/**
 * Arrays and objects that are looked at, wherever they stand: what stands in many
 * places is there as often, and may be so more often than anybody can count.
 */
const MAX_PARTS = 5_000_000;

/** The same of what is told whatever it is. */
const MAX_TOLD_WHOLE = 100_000;

/** Parts that are told of a value without a form; long texts count for several. */
const MAX_TOLD = 10_000;
const TOLD_CHARACTERS = 1_000;

/** Stands for the parts that are left untold. */
const MORE = "[more]";

/** JSON says it as it is; says it in another form; or has no form for it. */
type Verdict = 0 | 1 | 2;
const PLAIN = 0;
const REFORMED = 1;
const UNSAYABLE = 2;

/** A value has no form in JSON: it would have come out as `{}` or `null`, or not at all. */
export class JsonValueError extends SluiceError {
  /** The class, by name. */
  override readonly name = "JsonValueError";

  /** Says what it is, where it is, and what to do. */
  constructor(fault: string) {
    super("SLUICE_JSON_VALUE", fault);
  }
}

/**
 * Tells why a value can't be sent as JSON, with the path to the part that can't
 * and what to do instead; `undefined` if all of it can.
 *
 * What JSON has forms for may be sent: plain objects, arrays, whatever has a
 * `toJSON()`, and instances with fields, as their fields. A member that is
 * `undefined` is left out, an item that is `undefined` becomes null. Refused is
 * what `JSON.stringify` would lose without a word: a Map, a Set, an Error, bytes,
 * a Response, instances without any field, NaN, functions, and BigInt.
 */
export function jsonFault(value: unknown): string | undefined {
  return verdictOf(value) === UNSAYABLE ? explain(value) : undefined;
}

/**
 * A value as it arrives: itself where JSON says it as it is, otherwise a copy
 * that has been written and read.
 *
 * @throws {JsonValueError} if it has no form in JSON
 */
export function jsonForm(value: unknown): unknown {
  if (value === undefined) return undefined;
  const verdict = verdictOf(value);
  if (verdict === PLAIN) return value;
  if (verdict === REFORMED) return JSON.parse(JSON.stringify(value));
  throw new JsonValueError(explain(value));
}

/**
 * The text of a value, without half characters in it.
 *
 * @throws {JsonValueError} if it has no form in JSON
 */
export function jsonText(value: unknown): string {
  if (verdictOf(value) === UNSAYABLE) throw new JsonValueError(explain(value));
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new JsonValueError(`${typeof value} can't be sent as JSON`);
  }
  return wellFormedJson(text);
}

/**
 * JSON without escapes of half characters: many parsers refuse the whole text for
 * one (`JSON.stringify` writes them for strings that were cut through an emoji).
 */
export function wellFormedJson(text: string): string {
  // `includes` would take 25 ns longer (V8 14).
  if (text.indexOf("\\ud") < 0) return text;
  return text.replace(
    /\\(?:ud[89a-f][\da-f]{2}|.)/g,
    (escape) => escape.startsWith("\\ud") ? "\uFFFD" : escape,
  );
}

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

/** Arrays and objects that may still be looked at. */
let partsLeft = 0;

function verdictOf(value: unknown, maxParts: number = MAX_PARTS): Verdict {
  partsLeft = maxParts;
  return judge(value, 0);
}

/**
 * Looks at every part once. It keeps no path: a second look names the part once
 * something is wrong.
 */
function judge(value: unknown, depth: number): Verdict {
  switch (typeof value) {
    case "string":
    case "boolean":
      return PLAIN;
    case "number":
      return isFinite(value) ? PLAIN : UNSAYABLE;
    case "undefined":
      return REFORMED;
    case "object":
      if (value === null) return PLAIN;
      if (depth > MAX_DEPTH || --partsLeft < 0) return UNSAYABLE;
      return Array.isArray(value)
        ? judgeItems(value, depth)
        : judgeObject(value, depth);
    default:
      return saysItself(value) ? judgeSaid(value, depth) : UNSAYABLE;
  }
}

/** Quicker than `Number.isFinite`, which is called for every number there is. */
function isFinite(value: unknown): boolean {
  return typeof value === "number" && value - value === 0;
}

function judgeItems(items: readonly unknown[], depth: number): Verdict {
  let worst: Verdict = PLAIN;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (typeof item === "string" || isFinite(item)) continue;
    const verdict = judge(item, depth + 1);
    if (verdict === UNSAYABLE) return UNSAYABLE;
    if (verdict > worst) worst = verdict;
  }
  return worst;
}

function judgeObject(object: object, depth: number): Verdict {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    return saysItself(object)
      ? judgeSaid(object, depth)
      : judgeInstance(object, depth);
  }
  let worst: Verdict = PLAIN;
  for (const key in object) {
    const member = (object as Record<string, unknown>)[key];
    if (typeof member === "string" || isFinite(member)) continue;
    if (typeof member === "function") {
      return saysItself(object) ? judgeSaid(object, depth) : UNSAYABLE;
    }
    const verdict = judge(member, depth + 1);
    if (verdict === UNSAYABLE) return UNSAYABLE;
    if (verdict > worst) worst = verdict;
  }
  return worst;
}

/** An instance of a class is its fields; one that shows none has them elsewhere. */
function judgeInstance(instance: object, depth: number): Verdict {
  if (isBoxed(instance)) return judge(instance.valueOf(), depth) || REFORMED;
  const keys = Object.keys(instance);
  if (keys.length === 0 ? !isForeignPlain(instance) : hidesContents(instance)) {
    return UNSAYABLE;
  }
  const fields = keys.map((key) => (instance as Record<string, unknown>)[key]);
  return judgeItems(fields, depth) || REFORMED;
}

/** Judges what `toJSON` returns: it is asked for no `toJSON` of its own. */
function judgeSaid(value: Sayer, depth: number): Verdict {
  const said = saidBy(value);
  if (said === undefined) return UNSAYABLE;
  const verdict = said === value || (isSomeObject(said) && saysItself(said))
    ? judgeItems(Object.values(said), depth)
    : judge(said, depth + 1);
  return verdict || REFORMED;
}

interface Sayer {
  toJSON(key: string): unknown;
}

function saysItself(value: unknown): value is Sayer {
  return typeof (value as Partial<Sayer>).toJSON === "function";
}

/** Asks a value what it says of itself; a date that is none says null. */
function saidBy(value: Sayer): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) return undefined;
  return value.toJSON("");
}

function isSomeObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isBoxed(object: object): boolean {
  return object instanceof String || object instanceof Number ||
    object instanceof Boolean;
}

/** Tells if JSON would show fields of an instance, but not what it is about. */
function hidesContents(instance: object): boolean {
  return instance instanceof Map || instance instanceof Set ||
    instance instanceof Error || isBytes(instance) ||
    instance instanceof Promise;
}

function isBytes(object: object): object is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(object) || object instanceof ArrayBuffer;
}

/** A plain object of another realm, such as a worker's or a sandbox's. */
function isForeignPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, "hasOwnProperty");
}

/** Names the first part that can't be sent, and what to do. */
function explain(value: unknown): string {
  partsLeft = MAX_PARTS;
  const way: Way = { objects: [], path: "" };
  const { path, what, remedy } = search(value, way) ??
    { path: "", what: `a ${typeof value}`, remedy: "leave it out" };
  const at = path === "" ? "" : ` (${shortened(path)})`;
  return `${what} can't be sent as JSON${at}: ${remedy}`;
}

interface Fault {
  readonly path: string;
  readonly what: string;
  readonly remedy: string;
}

/** The way to a part: the objects above it, and its path. */
interface Way {
  readonly objects: unknown[];
  readonly path: string;
}

/** Looks at every part once, as {@linkcode judge} does. */
function search(value: unknown, { objects, path }: Way): Fault | undefined {
  if (!isSomeObject(value)) {
    return judge(value, 0) === UNSAYABLE
      ? { path, ...remedyFor(value) }
      : undefined;
  }
  if (objects.includes(value)) {
    return {
      path,
      what: "a circular reference",
      remedy: "leave it out, or put an id in its place",
    };
  }
  if (objects.length > MAX_DEPTH) {
    return {
      path,
      what: `what is nested deeper than ${MAX_DEPTH} levels`,
      remedy: "make it flatter",
    };
  }
  if (--partsLeft < 0) {
    return {
      path: "",
      what: `what has more than ${MAX_PARTS} objects`,
      remedy: "send less, and name what stands in many places by an id",
    };
  }
  objects.push(value);
  const fault = searchParts(value, { objects, path });
  objects.pop();
  if (fault !== undefined) return fault;
  return isOwnFault(value) ? { path, ...remedyFor(value) } : undefined;
}

function searchParts(value: object, { objects, path }: Way): Fault | undefined {
  for (const [key, part] of partsOf(value)) {
    // A path is only made where it may lead on to a fault.
    if (isPlainPart(part)) continue;
    const fault = search(part, {
      objects,
      path: path + step(key, path),
    });
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isPlainPart(part: unknown): boolean {
  return typeof part === "string" || part === null || isFinite(part);
}

/** Tells if an object can't be sent whose parts could be. */
function isOwnFault(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === Object.prototype ||
    prototype === null;
  return (!isPlain || saysItself(value)) && judge(value, 0) === UNSAYABLE;
}

/** Parts that JSON would look into, unless the value itself is the fault. */
function partsOf(value: object): Iterable<[string | number, unknown]> {
  if (Array.isArray(value)) return value.entries();
  if (saysItself(value)) {
    const said = saidBy(value);
    if (isSomeObject(said) && said !== value) return Object.entries(said);
    return said === value ? Object.entries(value) : [];
  }
  return hidesContents(value) ? [] : Object.entries(value);
}

function step(key: string | number, path: string): string {
  if (typeof key === "number") return `[${key}]`;
  if (!/^[\w$-]+$/.test(key)) return `[${JSON.stringify(key)}]`;
  return path === "" ? key : `.${key}`;
}

function shortened(path: string): string {
  return path.length <= 120 ? path : `${path.slice(0, 60)}…${path.slice(-40)}`;
}

function remedyFor(value: unknown): { what: string; remedy: string } {
  switch (typeof value) {
    case "number":
      return { what: String(value), remedy: "use null, or a string" };
    case "bigint":
      return {
        what: "a BigInt",
        remedy: "use String(…), or Number(…) where it is small enough",
      };
    case "object":
      return remedyForObject(value!);
    default:
      return { what: `a ${typeof value}`, remedy: "leave it out" };
  }
}

function remedyForObject(object: object): { what: string; remedy: string } {
  const name = object.constructor?.name || "class";
  const what = `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  if (object instanceof Date) {
    return { what: "an invalid Date", remedy: "use null, or a string" };
  }
  if (object instanceof Error) {
    return { what, remedy: "throw it, or use its message" };
  }
  if (object instanceof Promise) return { what, remedy: "await it" };
  if (isBytes(object)) {
    return {
      what,
      remedy: "encode it in base64, in a content block that says its type",
    };
  }
  if (object instanceof Response || object instanceof Request) {
    return { what, remedy: "use its text() or json()" };
  }
  if (object instanceof Set) return { what, remedy: "use an array: [...set]" };
  if (
    object instanceof Map || object instanceof Headers ||
    object instanceof URLSearchParams || object instanceof FormData
  ) return { what, remedy: "use Object.fromEntries(…)" };
  if (Symbol.iterator in object) {
    return { what, remedy: "use an array: [...it]" };
  }
  return { what, remedy: "use a plain object, or give it a toJSON()" };
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
    return members.length === 0 && judge(value, 0) === UNSAYABLE
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

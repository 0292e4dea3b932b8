/** Depth to which a value may nest; what goes round in a circle is deeper. */
export const MAX_DEPTH = 1_000;

/**
 * Arrays and objects that are looked at, wherever they stand: what stands in many
 * places is there as often, and may be so more often than anybody can count.
 */
export const MAX_PARTS = 5_000_000;

/** JSON says it as it is; says it in another form; or has no form for it. */
export type Verdict = 0 | 1 | 2;
export const PLAIN = 0;
export const REFORMED = 1;
export const UNSAYABLE = 2;

/** Arrays and objects that may still be looked at. */
let partsLeft = 0;

export function verdictOf(
  value: unknown,
  maxParts: number = MAX_PARTS,
): Verdict {
  partsLeft = maxParts;
  return judge(value, 0);
}

/**
 * Looks at every part once. It keeps no path: a second look names the part once
 * something is wrong.
 */
export function judge(value: unknown, depth: number): Verdict {
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
export function isFinite(value: unknown): boolean {
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
  if (hidesAll(instance, keys)) return UNSAYABLE;
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

/** Tells if an object can't be sent whose parts could be. */
export function hasNoForm(object: object): boolean {
  if (saysItself(object)) {
    const said = saidBy(object);
    return said === undefined ||
      (!isSomeObject(said) && verdictOf(said) === UNSAYABLE);
  }
  const prototype = Object.getPrototypeOf(object);
  if (
    Array.isArray(object) || prototype === Object.prototype ||
    prototype === null
  ) return false;
  return isBoxed(object)
    ? verdictOf(object.valueOf()) === UNSAYABLE
    : hidesAll(object, Object.keys(object));
}

/** Tells if JSON would show nothing of an instance, or not what it is about. */
function hidesAll(instance: object, keys: readonly string[]): boolean {
  return keys.length === 0
    ? !isForeignPlain(instance)
    : hidesContents(instance);
}

interface Sayer {
  toJSON(key: string): unknown;
}

export function saysItself(value: unknown): value is Sayer {
  return typeof (value as Partial<Sayer>).toJSON === "function";
}

/** Asks a value what it says of itself; a date that is none says null. */
export function saidBy(value: Sayer): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) return undefined;
  return value.toJSON("");
}

export function isSomeObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isBoxed(object: object): boolean {
  return object instanceof String || object instanceof Number ||
    object instanceof Boolean;
}

/** Tells if JSON would show fields of an instance, but not what it is about. */
export function hidesContents(instance: object): boolean {
  return instance instanceof Map || instance instanceof Set ||
    instance instanceof Error || isBytes(instance) ||
    instance instanceof Promise;
}

export function isBytes(
  object: object,
): object is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(object) || object instanceof ArrayBuffer;
}

/** A plain object of another realm, such as a worker's or a sandbox's. */
function isForeignPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, "hasOwnProperty");
}

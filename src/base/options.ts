import { InvalidOptionError } from "./errors.ts";

const CLOCK_METHODS = ["now", "setTimeout", "clearTimeout"];

/** Shows a refused value the way its author would have written it. */
export function quote(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** Refuses anything but a whole number from `min` to `max`. */
export function checkInteger(
  name: string,
  value: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER
    ? `of at least ${min}`
    : `from ${min} to ${max}`;
  throw new InvalidOptionError(
    `${name} must be a whole number ${range}, got ${quote(value)}`,
  );
}

/** Like {@linkcode checkInteger}, but `Infinity` ("no limit") passes too. */
export function checkLimit(name: string, value: number, min: number): number {
  return value === Infinity ? value : checkInteger(name, value, min);
}

/** Like {@linkcode checkDurationMs}, but `Infinity` ("no limit") passes too. */
export function checkTimeoutMs(
  name: string,
  value: number,
  min: number = 0,
): number {
  return value === Infinity ? value : checkDurationMs(name, value, min);
}

/** Refuses anything but a finite number of milliseconds of at least `min`. */
export function checkDurationMs(
  name: string,
  value: number,
  min: number = 0,
): number {
  if (Number.isFinite(value) && value >= min) return value;
  throw new InvalidOptionError(
    `${name} must be a number of milliseconds of at least ${min}, got ${
      quote(value)
    }`,
  );
}

/** Refuses anything but a function, or nothing at all. */
export function checkFunction<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === "function") return value;
  throw new InvalidOptionError(
    `${name} must be a function, got ${quote(value)}`,
  );
}

/** Refuses anything but a text, or nothing at all. */
export function checkText<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === "string") return value;
  throw new InvalidOptionError(`${name} must be a string, got ${quote(value)}`);
}

/** Refuses anything but an object that is no array, or nothing at all. */
export function checkObject<Value>(name: string, value: Value): Value {
  const isObject = typeof value === "object" && value !== null &&
    !Array.isArray(value);
  if (value === undefined || isObject) return value;
  throw new InvalidOptionError(
    `${name} must be an object, got ${quote(value)}`,
  );
}

/** Refuses anything but an object with certain methods, or nothing at all. */
export function checkMethods<Value>(
  name: string,
  value: Value,
  methods: readonly string[],
): Value {
  const missing = methods.find((method) =>
    typeof Object(value)[method] !== "function"
  );
  if (value === undefined || missing === undefined) return value;
  throw new InvalidOptionError(
    `${name} must have the method ${missing}, got ${quote(value)}`,
  );
}

/** Refuses anything but true, false or nothing at all. */
export function checkFlag<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === "boolean") return value;
  throw new InvalidOptionError(
    `${name} must be true or false, got ${quote(value)}`,
  );
}

/** Refuses anything but a text of at least one character. */
export function checkName<Value>(name: string, value: Value): Value {
  if (typeof value === "string" && value !== "") return value;
  throw new InvalidOptionError(
    `${name} must be a string that isn't empty, got ${quote(value)}`,
  );
}

/** Refuses anything but an `AbortSignal`, or nothing at all. */
export function checkSignal<Value>(name: string, value: Value): Value {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new InvalidOptionError(
    `${name} must be an AbortSignal, got ${quote(value)}`,
  );
}

/** Refuses anything but one of a few words. */
export function checkWord<Word extends string>(
  name: string,
  value: Word,
  words: readonly Word[],
): Word {
  if (words.includes(value)) return value;
  throw new InvalidOptionError(
    `${name} must be one of ${words.map(quote).join(", ")}, got ${
      quote(value)
    }`,
  );
}

/**
 * Refuses an option that nobody reads, naming the one that it may have been
 * meant for, and a `clock` that is none. One that is `undefined` is passed over.
 *
 * @param known every option there is
 */
export function checkKnown(
  what: string,
  options: { readonly clock?: unknown } | object,
  known: Readonly<Record<string, unknown>>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new InvalidOptionError(
      `${what}: the options must be an object, got ${quote(options)}`,
    );
  }
  if (options instanceof AbortSignal) {
    throw new InvalidOptionError(
      `${what}: the options must be an object, got an AbortSignal: write { signal }`,
    );
  }
  // Some are looked at in every call: Object.entries would cost four times as much.
  for (const name in options) {
    if (Object.hasOwn(known, name) || !isGiven(options, name)) continue;
    const near = nearest(name, Object.keys(known));
    throw new InvalidOptionError(
      `${what} has no option ${quote(name)}` +
        (near === undefined ? "" : `: did you mean ${near}?`),
    );
  }
  if (known.clock && "clock" in options) {
    checkMethods(`${what}: clock`, options.clock, CLOCK_METHODS);
  }
}

function isGiven(options: object, name: string): boolean {
  return Object.hasOwn(options, name) &&
    (options as Record<string, unknown>)[name] !== undefined;
}

/** The word that a mistyped one is most like, if one is like it at all. */
function nearest(name: string, words: string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  const [best] = words
    .map((word) => ({ word, steps: editSteps(name, word) }))
    .filter(({ steps }) => steps <= limit)
    .sort((a, b) => a.steps - b.steps);
  return best?.word;
}

/** How many letters must change to make one word of another (Levenshtein), whatever their case. */
function editSteps(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(from.toLowerCase()).entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const change = letter === to[j].toLowerCase() ? 0 : 1;
      next.push(Math.min(row[j] + change, row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[to.length];
}

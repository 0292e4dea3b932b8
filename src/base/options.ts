import { InvalidOptionError } from "./errors.ts";

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

/** Refuses anything but true, false or nothing at all. */
export function checkFlag<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === "boolean") return value;
  throw new InvalidOptionError(
    `${name} must be true or false, got ${quote(value)}`,
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

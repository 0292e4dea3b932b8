import { Buffer } from "node:buffer";
import { PostgresParameterError } from "./postgres_errors.ts";

/**
 * Writes a parameter in PostgreSQL's text form; bytes stay bytes.
 *
 * Arrays become arrays (`= ANY($1)`), dates a point in time in UTC, and plain
 * objects JSON. What has a `toJSON` is what that gives: text (a URL, a decimal
 * number) or JSON. A JSON array must be made by `JSON.stringify`, since an array
 * can't tell which of the two it is for.
 *
 * @param index Which parameter it is, counted from 0.
 * @throws {PostgresParameterError} for what neither PostgreSQL nor JSON can
 * say: functions, symbols, Maps, Sets, Errors and other objects with a class,
 * cycles, and numbers within JSON that JSON has none of.
 */
export function encodeParameter(
  value: unknown,
  index: number = 0,
): string | Uint8Array | null {
  return encodePlain(value) ?? encodeObject(value, `$${index + 1}`, []);
}

/** Writes what needs no place to be named; undefined for all else. */
function encodePlain(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
  }
}

function encodeObject(
  value: unknown,
  place: string,
  around: readonly unknown[],
): string | Uint8Array | null {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return encodeArray(value, place, around);
  const json = toJsonValue(value, place, around);
  return typeof json === "string" ? json : JSON.stringify(json) ?? null;
}

function encodeArray(
  values: readonly unknown[],
  place: string,
  around: readonly unknown[],
): string {
  const within = enter(values, place, around);
  const elements = Array.from(
    values,
    (value, i) => encodeElement(value, place, i, within),
  );
  return `{${elements.join(",")}}`;
}

function encodeElement(
  value: unknown,
  place: string,
  i: number,
  around: readonly unknown[],
): string {
  if (typeof value === "number" || typeof value === "bigint") return `${value}`;
  const encoded = encodePlain(value) ??
    encodeObject(value, `${place}[${i}]`, around);
  if (encoded === null) return "NULL";
  if (Array.isArray(value)) return encoded as string;
  const text = typeof encoded === "string"
    ? encoded
    : `\\x${Buffer.from(encoded).toString("hex")}`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Makes of a value what JSON can say without leaving anything out. */
function toJsonValue(
  value: unknown,
  place: string,
  around: readonly unknown[],
): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw refused(place, String(value));
  }
  if (typeof value !== "object" || value === null) {
    if (!/^(bigint|function|symbol)$/.test(typeof value)) return value;
    throw refused(place, `a ${typeof value}`);
  }
  const within = enter(value, place, around);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return toJsonValue(ownJson(value, place), place, within);
  }
  if (Array.isArray(value)) {
    return Array.from(
      value,
      (item, i) => toJsonValue(item, `${place}[${i}]`, within),
    );
  }
  if (!isPlain(value)) throw refused(place, className(value));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      toJsonValue(item, `${place}.${key}`, within),
    ]),
  );
}

function ownJson(value: object, place: string): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw refused(place, "an invalid Date");
  }
  try {
    return (value as { toJSON(): unknown }).toJSON();
  } catch (cause) {
    throw refused(place, "an object whose toJSON() throws", { cause });
  }
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function className(value: object): string {
  const name = value.constructor?.name || "object with a class";
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`;
}

/** Notes what a value stands in; one that stands in itself has no end. */
function enter(
  value: object,
  place: string,
  around: readonly unknown[],
): unknown[] {
  if (around.includes(value)) throw refused(place, "part of itself");
  return [...around, value];
}

function refused(
  place: string,
  what: string,
  options?: ErrorOptions,
): PostgresParameterError {
  return new PostgresParameterError(
    `${place} is ${what}, which can't be a query parameter`,
    options,
  );
}

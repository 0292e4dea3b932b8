import { PostgresParameterError } from "./postgres_errors.ts";

/**
 * A parameter in PostgreSQL's text form; bytes stay bytes.
 *
 * Arrays become arrays (`= ANY($1)`), dates a point in time in UTC, and other
 * objects JSON. A JSON array must be made by `JSON.stringify`, since an array
 * can't tell which of the two it is for.
 *
 * @throws {PostgresParameterError} for a function, a symbol, or an object that
 * has no JSON.
 */
export function encodeParameter(value: unknown): string | Uint8Array | null {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    case "undefined":
      return null;
    case "object":
      return encodeObject(value);
    default:
      throw new PostgresParameterError(
        `a ${typeof value} can't be a query parameter`,
      );
  }
}

function encodeObject(value: object | null): string | Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return encodeArray(value);
  if (value instanceof Date) return encodeDate(value);
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new PostgresParameterError(
      "an object that has no JSON can't be a query parameter",
      { cause },
    );
  }
}

function encodeDate(date: Date): string {
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new PostgresParameterError(
    "an invalid Date can't be a query parameter",
  );
}

function encodeArray(values: readonly unknown[]): string {
  return `{${values.map(encodeElement).join(",")}}`;
}

function encodeElement(value: unknown): string {
  if (Array.isArray(value)) return encodeArray(value);
  const encoded = encodeParameter(value);
  if (encoded === null) return "NULL";
  if (typeof value === "number" || typeof value === "bigint") return `${value}`;
  const text = typeof encoded === "string" ? encoded : `\\x${hex(encoded)}`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/** The types that drivers read in different ways, by their number in PostgreSQL. */
export const typeIds = {
  int8: 20,
  float4: 700,
  float8: 701,
  date: 1082,
  timestamp: 1114,
  int8Array: 1016,
  float4Array: 1021,
  float8Array: 1022,
  dateArray: 1182,
  timestampArray: 1115,
} as const;

/** An `int8`: a number where that is exact, or else its digits. */
export function decodeInt8(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

/** A `timestamp`: taken for UTC, as {@linkcode encodeParameter} writes it. */
export function decodeTimestamp(text: string): Date | string {
  const date = new Date(`${text.replace(" ", "T")}Z`);
  return Number.isNaN(date.getTime()) ? text : date;
}

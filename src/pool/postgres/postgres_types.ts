import { Buffer } from "node:buffer";
import type { PostgresResult } from "./postgres_driver.ts";
import { PostgresError } from "./postgres_errors.ts";
import type { RunStatement } from "./postgres_queries.ts";

/** Reads a value's text. */
export type Decode = (text: string) => unknown;

/** A column of a result, and the number of its type. */
export interface TypedColumn {
  readonly name: string;
  readonly typeId: number;
}

const asIs: Decode = (text) => text;

/** The numbers of types and of their arrays, and how the former are read. */
const builtIn: [type: number, array: number, decode: Decode][] = [
  [16, 1000, (text) => text === "t"],
  [17, 1001, decodeBytes],
  [20, 1016, decodeInt8],
  [21, 1005, Number],
  [23, 1007, Number],
  [26, 1028, Number],
  [114, 199, decodeJson],
  [3802, 3807, decodeJson],
  [700, 1021, decodeFloat],
  [701, 1022, decodeFloat],
  [1114, 1115, decodeTimestamp],
  [1184, 1185, decodeTimestamp],
  [19, 1003, asIs], // name
  [25, 1009, asIs], // text
  [1042, 1014, asIs], // char(n)
  [1043, 1015, asIs], // varchar
  [1082, 1182, asIs], // date
  [1186, 1187, asIs], // interval
  [1700, 1231, asIs], // numeric
  [2950, 2951, asIs], // uuid
];
const VOID = 2278;

/** The arrays among some types, and what they are of, below any domain. */
const FIND_ARRAYS = `
  WITH RECURSIVE element AS (
    SELECT typarray AS array_id, oid AS id, typbasetype, typdelim
    FROM pg_catalog.pg_type WHERE typarray = ANY($1)
    UNION ALL
    SELECT array_id, base.oid, base.typbasetype, base.typdelim
    FROM element JOIN pg_catalog.pg_type base ON base.oid = element.typbasetype
  )
  SELECT array_id, id, typdelim::text AS delimiter FROM element
  WHERE typbasetype = 0`;

interface FoundArray {
  array_id: number;
  id: number;
  delimiter: string;
}

/**
 * Ways to read the types of one database: an array as its elements are, what
 * has no form of its own as PostgreSQL writes it. What isn't built in, the
 * database is asked for when it is first met.
 */
export class PostgresTypes {
  readonly #decoders = new Map<number, Decode>();

  /** Knows what is built in. */
  constructor() {
    this.#decoders.set(VOID, asIs);
    for (const [type, array, decode] of builtIn) {
      this.#decoders.set(type, decode);
      this.#decoders.set(array, arrayOf(decode));
    }
  }

  /** Finds how a type is read, if it has been met. */
  decoderOf(typeId: number): Decode | undefined {
    return this.#decoders.get(typeId);
  }

  /**
   * Reads columns that are text so far, in place.
   *
   * @param run Runs a statement where the result came from.
   */
  async read(
    { rows }: PostgresResult,
    columns: readonly TypedColumn[],
    run: RunStatement,
  ): Promise<void> {
    const unknown = columns.map(({ typeId }) => typeId)
      .filter((typeId) => !this.#decoders.has(typeId));
    if (unknown.length > 0) await this.#learn(unknown, run);
    for (const { name, typeId } of columns) {
      const decode = this.#decoders.get(typeId)!;
      for (const row of rows) {
        if (row[name] !== null) row[name] = decode(row[name] as string);
      }
    }
  }

  async #learn(typeIds: number[], run: RunStatement): Promise<void> {
    for (const typeId of typeIds) this.#decoders.set(typeId, asIs);
    const { rows } = await run(FIND_ARRAYS, [typeIds], { prepare: false })
      .catch(knowsNoArrays);
    for (const { array_id, id, delimiter } of rows as unknown as FoundArray[]) {
      const decode = this.#decoders.get(id) ?? asIs;
      this.#decoders.set(array_id, arrayOf(decode, delimiter));
    }
  }
}

/** Forgives a server that has another catalogue, being no PostgreSQL. */
function knowsNoArrays(error: unknown): PostgresResult {
  if (error instanceof PostgresError) return { rows: [], affectedRows: 0 };
  throw error;
}

/** An `int8`: a number where that is exact, or else its digits. */
export function decodeInt8(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

/** A `float8`: a number, or else the word for what JSON has no number for. */
export function decodeFloat(text: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

/** Text that may hold a number which a double can't say. */
const BIG = /\d{16}|\d[eE][+-]?\d{3}/;

/** A `json` or `jsonb`: numbers where they keep their value, or else their digits. */
export function decodeJson(text: string): unknown {
  return BIG.test(text) ? JSON.parse(text, faithful) : JSON.parse(text);
}

function faithful(
  _key: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  if (typeof value !== "number") return value;
  const text = context?.source ?? "";
  return keepsValue(value, text) ? value : text;
}

/** Tells if a number is what its text says; a fraction is rounded, as ever. */
function keepsValue(value: number, text: string): boolean {
  if (value === 0) return !/^[^eE]*[1-9]/.test(text);
  if (!Number.isFinite(value)) return false;
  if (/[eE]/.test(text)) return true;
  const [whole, fraction = ""] = text.split(".");
  return /[1-9]/.test(fraction)
    ? Math.abs(value) <= Number.MAX_SAFE_INTEGER
    : digitsOf(value) === whole;
}

/** A whole number without an exponent. */
function digitsOf(value: number): string {
  const [mantissa, exponent = "0"] = String(value).split("e+");
  const [whole, fraction = ""] = mantissa.split(".");
  return whole + fraction.padEnd(Number(exponent), "0");
}

/** The form of nearly all, which a Date reads fastest by itself. */
const PLAIN = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?([+-]\d\d)?$/;
const TIMESTAMP =
  /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/;

/**
 * A `timestamp`, taken for UTC, or a `timestamptz`; the text of one that is
 * infinite or beyond what a Date can say.
 */
export function decodeTimestamp(text: string): Date | string {
  const plain = PLAIN.exec(text);
  if (plain !== null) {
    const [day, time] = [text.slice(0, 10), text.slice(11)];
    return new Date(`${day}T${time}${plain[1] === undefined ? "Z" : ":00"}`);
  }
  const parts = TIMESTAMP.exec(text);
  return parts === null ? text : decodeUnusual(parts) ?? text;
}

/** Years before Christ and after 9999, and offsets down to the second. */
function decodeUnusual(parts: RegExpExecArray): Date | undefined {
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  const [fraction, sign, ...offset] = parts.slice(7, 12);
  const date = new Date(0);
  date.setUTCFullYear(parts[12] ? 1 - year : year, month - 1, day);
  date.setUTCHours(
    hour,
    minute,
    second,
    Number((fraction ?? ".").slice(1, 4).padEnd(3, "0")),
  );
  const [hours, minutes, seconds] = offset.map((part) => Number(part ?? 0));
  const offsetMs = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  const time = date.getTime() + (sign === "-" ? offsetMs : -offsetMs);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** A `bytea`, in either form that `bytea_output` may ask for. */
function decodeBytes(text: string): Uint8Array {
  if (text.startsWith("\\x")) return Buffer.from(text.slice(2), "hex");
  const bytes = text.replace(
    /\\(?:\\|([0-7]{3}))/g,
    (_, octal) => octal ? String.fromCharCode(parseInt(octal, 8)) : "\\",
  );
  return Buffer.from(bytes, "latin1");
}

/** Reads an array; the only one that isn't delimited by commas is of boxes. */
function arrayOf(decode: Decode, delimiter = ","): Decode {
  const tokens = new RegExp(
    String.raw`([{}])|"((?:[^"\\]|\\[^])*)"|([^{}"${delimiter}]+)`,
    "g",
  );
  return (text) => decodeArray(text, tokens, decode);
}

/** An array, nested as it is; whatever its bounds, it begins at 0 here. */
function decodeArray(
  text: string,
  tokens: RegExp,
  decode: Decode,
): unknown[] {
  tokens.lastIndex = text.indexOf("{");
  const root: unknown[] = [];
  const open = [root];
  for (const [, brace, quoted, bare] of text.matchAll(tokens)) {
    const inner = open.at(-1)!;
    if (brace === "{") {
      open.push([]);
      inner.push(open.at(-1));
    } else if (brace === "}") open.pop();
    else if (bare === "NULL") inner.push(null);
    else inner.push(decode(bare ?? quoted.replace(/\\([^])/g, "$1")));
  }
  return root[0] as unknown[];
}

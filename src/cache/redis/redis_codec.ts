import { CacheValueError } from "../../base/errors.ts";
import { findNotJson } from "../../base/plain_value.ts";
import { quote } from "../../base/options.ts";

/** Form in which a {@linkcode RedisCache} writes its values down. */
export type RedisFormat = "json" | "bytes";

/** Facts that an entry carries beside its value. */
export interface EntryMarks {
  /** Time at which it goes stale, in milliseconds since 1970; absent if it never does. */
  readonly f?: number;
  /** The version of each of its tags when it was loaded. */
  readonly t?: Readonly<Record<string, string>>;
}

/** An entry as it was read. */
export interface DecodedEntry {
  readonly value: unknown;
  readonly marks: EntryMarks | undefined;
}

/**
 * Writes entries down. A value by itself is plain JSON, for anyone to read;
 * marks go before it, on a line that begins with a "~". Bytes always have that
 * line. Nothing after it is `undefined`, which JSON can't say.
 */
export interface RedisCodec {
  /** True if replies are wanted as bytes. */
  readonly bytes: boolean;
  /** @throws {CacheValueError} for a value that can't be written down. */
  encode(value: unknown): string | Uint8Array;
  /** Puts marks before an encoded value. */
  mark(payload: string | Uint8Array, marks: EntryMarks): string | Uint8Array;
  /** `undefined` for what can't be read. */
  decode(stored: unknown): DecodedEntry | undefined;
}

const MARK = "~".charCodeAt(0);
const LINE_END = "\n".charCodeAt(0);

const jsonCodec: RedisCodec = {
  bytes: false,
  encode(value) {
    return value === undefined ? "" : toJson(value);
  },
  mark: (payload, marks) => markLine(marks) + payload,
  decode(stored) {
    if (typeof stored !== "string") return undefined;
    try {
      if (stored.charCodeAt(0) !== MARK) {
        return { value: parse(stored), marks: undefined };
      }
      const end = stored.indexOf("\n");
      const marks = JSON.parse(stored.slice(1, end));
      return { value: parse(stored.slice(end + 1)), marks };
    } catch {
      return undefined;
    }
  },
};

const bytesCodec: RedisCodec = {
  bytes: true,
  encode(value) {
    if (value instanceof Uint8Array) return value;
    throw new CacheValueError(
      `a cache of bytes takes a Uint8Array, got ${quote(value)}`,
    );
  },
  mark(payload, marks) {
    const line = new TextEncoder().encode(markLine(marks));
    const stored = new Uint8Array(line.length + payload.length);
    stored.set(line);
    stored.set(payload as Uint8Array, line.length);
    return stored;
  },
  decode(stored) {
    if (!(stored instanceof Uint8Array) || stored[0] !== MARK) return undefined;
    const end = stored.indexOf(LINE_END);
    try {
      const line = new TextDecoder().decode(stored.subarray(1, end));
      return {
        value: new Uint8Array(stored.subarray(end + 1)),
        marks: JSON.parse(line),
      };
    } catch {
      return undefined;
    }
  },
};

/** The codec for a format. */
export function redisCodec(format: RedisFormat): RedisCodec {
  return format === "json" ? jsonCodec : bytesCodec;
}

/** Only what comes back as it was: a hit must give what a miss gave. */
function toJson(value: unknown): string {
  try {
    const found = findNotJson(value);
    if (found === undefined) return JSON.stringify(value);
    throw new CacheValueError(`JSON can't say a value: ${found}`);
  } catch (error) {
    if (error instanceof CacheValueError) throw error;
    throw new CacheValueError(
      `a value can't be written as JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function parse(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}

function markLine(marks: EntryMarks): string {
  return `~${JSON.stringify(marks)}\n`;
}

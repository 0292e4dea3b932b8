import type { LogRecord } from "./log.ts";

/** The most that is written of a record, so that one can't fill a disk. */
const MAX_TEXT = 8_192;
const MAX_ENTRIES = 100;
const MAX_DEPTH = 6;
const MAX_NODES = 1_000;
const MAX_TEXT_IN_ALL = 65_536;

/** The longest password that is looked for in a text, in characters. */
const MAX_SECRET = 1_024;

const REDACTED = "[redacted]";

/** Names of what nobody should read in a log. */
const SECRET_NAME =
  /authori[sz]ation|cookie|token|passw|passphrase|pwd|[-_]pass$|^pass$|^jwt$|secret|credential|api[-_]?key|access[-_]?key|private[-_]?key|session[-_]?id/i;

/**
 * Passwords in URLs, also as their parameters, and credentials of an
 * Authorization header, wherever they stand. A password may hold an "@": the last
 * one ends it. What has no "=" is no parameter, which is asked first: the name is gone
 * through once, and not anew from each word in it.
 */
const SECRET_TEXT =
  /(:\/\/)[^\s/]*@|(\b(?:Bearer|Authorization:\s*Basic)\s+)[\w.~+/=-]+|([?&](?=[\w-]*=)[\w-]*(?:token|passw|pwd|secret|api[-_]?key|access[-_]?key|signature)[\w-]*=)[^\s&#]+/gi;

/**
 * A text as a log may show it: bounded, without passwords and bearer tokens, and
 * without half characters, which many readers of JSON refuse.
 */
export function safeText(text: string, limit: number = MAX_TEXT): string {
  // A little more, so that a secret that is cut off is still known for one.
  const safe = text.slice(0, limit + MAX_SECRET).replace(
    SECRET_TEXT,
    (_all, url, bearer, parameter) =>
      url ? `${url}${REDACTED}@` : `${bearer ?? parameter}${REDACTED}`,
  );
  const rest = text.length - limit;
  const shown = rest > 0 ? `${safe.slice(0, limit)}… (${rest} more)` : safe;
  return shown.toWellFormed();
}

/** Records that nothing need be kept back of any more. */
const safeRecords = new WeakSet<LogRecord>();

/** A record as any sink may have it; one that is already comes back as it is. */
export function safeRecord(record: LogRecord): LogRecord {
  if (safeRecords.has(record)) return record;
  const { level, message, fields } = record;
  const safe = {
    level,
    message: safeText(message),
    fields: new FieldWriter().entries(fields, 0),
  };
  safeRecords.add(safe);
  return safe;
}

/**
 * Writes fields as plain JSON values and errors: bounded in size and depth,
 * without cycles, and without what is named like a secret.
 */
class FieldWriter {
  readonly #above: unknown[] = [];
  #nodes = MAX_NODES;
  #text = MAX_TEXT_IN_ALL;

  entries(object: object, depth: number): Record<string, unknown> {
    const plain: [string, unknown][] = [];
    const keys = Object.keys(object);
    for (const key of keys.slice(0, MAX_ENTRIES)) {
      const value = this.#member(object, key, depth);
      if (value !== undefined) plain.push([this.#bounded(key, 256), value]);
    }
    if (keys.length > MAX_ENTRIES) {
      plain.push(["…", `${keys.length - MAX_ENTRIES} more`]);
    }
    // Unlike an assignment, this takes "__proto__" for a name like any other.
    return Object.fromEntries(plain);
  }

  #member(object: object, key: string, depth: number): unknown {
    try {
      const value = (object as Record<string, unknown>)[key];
      return isSecret(key, value) ? REDACTED : this.#value(value, depth + 1);
    } catch {
      return "[unreadable]";
    }
  }

  #value(value: unknown, depth: number): unknown {
    if (this.#nodes-- <= 0) return "[left out]";
    switch (typeof value) {
      case "string":
        return this.#bounded(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
      case "symbol":
        return this.#bounded(String(value));
      case "function":
        return `[function ${
          this.#bounded(value.name, 100) || "without a name"
        }]`;
      case "object":
        return value === null ? null : this.#object(value, depth);
      default:
        return value;
    }
  }

  #object(value: object, depth: number): unknown {
    if (this.#above.includes(value)) return "[circular]";
    if (depth > MAX_DEPTH) return "[too deep]";
    this.#above.push(value);
    try {
      return this.#members(value, depth);
    } finally {
      this.#above.pop();
    }
  }

  #members(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#list(value, value.length, depth);
    if (value instanceof Error) return this.#error(value, depth);
    if (value instanceof Map) {
      const entries = value.entries().take(MAX_ENTRIES);
      return this.entries(Object.fromEntries(entries), depth);
    }
    if (value instanceof Set) {
      return this.#list(
        [...value.values().take(MAX_ENTRIES)],
        value.size,
        depth,
      );
    }
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return `[${value.byteLength} bytes]`;
    }
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === "function"
      ? this.#value(toJSON.call(value), depth + 1)
      : this.entries(value, depth);
  }

  #list(items: unknown[], size: number, depth: number): unknown[] {
    const plain = items.slice(0, MAX_ENTRIES).map((item) => {
      try {
        return this.#value(item, depth + 1) ?? null;
      } catch {
        return "[unreadable]";
      }
    });
    if (size > plain.length) plain.push(`… ${size - plain.length} more`);
    return plain;
  }

  /** Still an error for whoever looks for one, though with all that JSON leaves out. */
  #error(error: Error, depth: number): Error {
    const { name, message, stack, cause } = error;
    const own = { name, message, stack, cause };
    const shown = this.entries({ ...own, ...error }, depth);
    return Object.defineProperties(
      new Error(),
      Object.getOwnPropertyDescriptors(shown),
    );
  }

  #bounded(text: string, limit: number = MAX_TEXT): string {
    if (this.#text <= 0) return "[left out]";
    const safe = safeText(text, Math.min(limit, this.#text));
    this.#text -= safe.length;
    return safe;
  }
}

/** A count of tokens is no secret. */
function isSecret(key: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "number" && /tokens?(count)?$/i.test(key)) return false;
  return SECRET_NAME.test(key);
}

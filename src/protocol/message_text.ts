import { givenMessages } from "./left_out.ts";
import { isObject, isRequestId, type JsonObject } from "./jsonrpc.ts";
import type { RequestId } from "./types.ts";
import { WholeNumber } from "./whole_number.ts";

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * Length up to which a message is parsed once more for an id beyond 2^53: that
 * takes some eighty times as long. In a longer one such an id is refused.
 */
const MAX_EXACT = 65_536;

/** The members that hold what a client wants echoed. */
const ECHOED: ReadonlySet<string> = new Set([
  "id",
  "requestId",
  "progressToken",
]);

/**
 * Reads what a client has sent, as {@linkcode parseMessage} does, without what it
 * has written as null in place of leaving it out.
 *
 * @throws {SyntaxError}
 */
export function readMessage(text: string): unknown {
  const message = parseMessage(text);
  // Nearly no client writes nulls, and a text is searched sooner than a message.
  return text.includes("null") ? givenMessages(message) : message;
}

/**
 * Parses a message, or a batch of them. Ids and progress tokens beyond 2^53 are
 * kept as they came, but for those of a very long message.
 *
 * @throws {SyntaxError}
 */
export function parseMessage(text: string): unknown {
  const json = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const value: unknown = JSON.parse(json);
  const inexact = Array.isArray(value)
    ? value.some(losesDigits)
    : losesDigits(value);
  return inexact && json.length <= MAX_EXACT
    ? parseExactly(json, value)
    : value;
}

/** The objects of a message that may hold what is echoed. */
function echoing(message: unknown): JsonObject[] {
  const { params } = (message ?? {}) as { params?: unknown };
  const { _meta } = (params ?? {}) as { _meta?: unknown };
  return [message, params, _meta].filter(isObject);
}

function losesDigits(message: unknown): boolean {
  if (!isObject(message)) return false;
  if (isInexact(message.id)) return true;
  const { params } = message;
  if (!isObject(params)) return false;
  if (isInexact(params.requestId) || isInexact(params.progressToken)) {
    return true;
  }
  const { _meta } = params;
  return isObject(_meta) && isInexact(_meta.progressToken);
}

function isInexact(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** A reviver's third argument, which TypeScript (6.0) does not know yet. */
type Reviver = (
  this: object,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;

/** Parses once more, with an eye on the numbers as they were written. */
function parseExactly(json: string, inexact: unknown): unknown {
  const found = new Map<object, Map<string, string>>();
  const note: Reviver = function (key, value, { source }) {
    if (ECHOED.has(key) && isInexact(value)) {
      const members = found.get(this) ?? new Map<string, string>();
      found.set(this, members.set(key, source!));
    }
    return value;
  };
  let value: unknown;
  try {
    value = JSON.parse(json, note as Parameters<typeof JSON.parse>[1]);
  } catch {
    // Nested deeper than a reviver goes; what is echoed must be exact or nothing.
    return inexact;
  }
  for (const message of Array.isArray(value) ? value : [value]) {
    for (const holder of echoing(message)) {
      for (const [key, source] of found.get(holder) ?? []) {
        holder[key] = new WholeNumber(source);
      }
    }
  }
  return value;
}

/** Length that is looked at for the id of a message that can't be parsed. */
const HEAD = 16 * 1024;

/** Length of its end that is: an id written last has little after it. */
export const TAIL = 1024;

const TOKEN = /[\s\uFEFF]*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+)/y;

/** Finds an id among the last members of an object, before texts of its own. */
const LAST_ID =
  /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*(?:,\s*"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*)*\}\s*$/;

/** The id in the beginning of a message, however that goes on. */
export function idInHead(text: string): RequestId | null {
  const tokens = tokensOf(text.slice(0, HEAD));
  let depth = 0;
  let before = "";
  for (const [index, token] of tokens.entries()) {
    const isKey = depth === 1 && (before === "{" || before === ",") &&
      tokens[index + 1] === ":";
    // What the value is followed by tells that it is whole.
    if (isKey && token === '"id"' && index + 3 < tokens.length) {
      return idOf(tokens[index + 2]);
    }
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    before = token;
    if (depth <= 0 || tokens[0] !== "{") return null;
  }
  return null;
}

/** The id at the end of a message that is whole. */
function idInTail(text: string): RequestId | null {
  const found = LAST_ID.exec(text.slice(-TAIL));
  return found === null ? null : idOf(found[1]);
}

/** The id of a message of which both ends are known. */
export function idInEnds(
  head: Uint8Array,
  tail: Uint8Array,
): RequestId | null {
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return idInHead(decode(head.subarray(0, HEAD))) ??
    idInTail(decode(tail.subarray(-TAIL)));
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    tokens.push(found[1]);
  }
  return tokens;
}

function idOf(json: string): RequestId | null {
  try {
    const id = (parseMessage(`{"id":${json}}`) as JsonObject).id;
    return isRequestId(id) ? id : null;
  } catch {
    return null;
  }
}

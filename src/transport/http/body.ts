import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";

/** The body is larger than the server takes: HTTP 413. */
export class BodyTooLargeError extends ProtocolError {
  override readonly name = "BodyTooLargeError";

  constructor(maxBytes: number) {
    super(
      ProtocolErrorCode.InvalidRequest,
      `Invalid Request: the body is larger than ${maxBytes} bytes`,
    );
  }
}

/** The body is no JSON, or no UTF-8: HTTP 400. */
export class BodyParseError extends ProtocolError {
  override readonly name = "BodyParseError";

  constructor(why: string) {
    super(ProtocolErrorCode.ParseError, `Parse error: ${why}`);
  }
}

/**
 * The parsed body of a request. `request.json()` is the fastest reader there is
 * (bench/http.ts, "echo"), but it takes any size and any bytes: so the length is
 * checked first where it is declared, and counted where it is not.
 *
 * @param declared the `content-length` header
 * @param onCounted told the size where it was not declared
 */
export function readJson(
  request: Request,
  declared: string | null,
  maxBytes: number,
  onCounted?: (bytes: number) => void,
): Promise<unknown> {
  if (declared === null) return readCounted(request, maxBytes, onCounted);
  // What is no number, such as a list of two equal lengths, is too large as well.
  if (!(Number(declared) <= maxBytes)) {
    return drop(request).then(() => {
      throw new BodyTooLargeError(maxBytes);
    });
  }
  return request.json();
}

/** What a failure to read means. */
export function readFailure(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new BodyParseError(
    error instanceof SyntaxError
      ? "the body is not valid JSON"
      : "the body ended before it was complete",
  );
}

async function readCounted(
  request: Request,
  maxBytes: number,
  onCounted: ((bytes: number) => void) | undefined,
): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest of the body.
    if (size > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  onCounted?.(size);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return JSON.parse(decode(bytes));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BodyParseError("the body is not valid UTF-8");
  }
}

async function drop(request: Request): Promise<void> {
  try {
    await request.body?.cancel();
  } catch {
    // The client has gone; there is nothing left to refuse.
  }
}

/**
 * Whether a parsed body that holds U+FFFD came from bytes that were not UTF-8.
 * `request.json()` puts that character in their place, which makes the text
 * longer than what was sent: one to three bytes became three. So the lengths of
 * the two usual ways to write the same JSON (compact, and spaced as Python does)
 * are held against the declared one. Exact for those, lenient for the rest, and
 * for what is nested too deep to be written again.
 */
export function cameMangled(body: unknown, declaredBytes: number): boolean {
  try {
    return lostBytes(body, declaredBytes);
  } catch {
    return false;
  }
}

function lostBytes(body: unknown, declaredBytes: number): boolean {
  const text = JSON.stringify(body);
  const compact = new TextEncoder().encode(text).length;
  const replaced = text.split("\uFFFD").length - 1;
  const separators = countSeparators(body);
  return [compact, compact + separators].some((expected) =>
    declaredBytes < expected && declaredBytes >= expected - 2 * replaced
  );
}

/** How many blanks a spaced writer puts after commas and colons. */
function countSeparators(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const children = Object.values(value);
  const own = Array.isArray(value)
    ? Math.max(children.length - 1, 0)
    : Math.max(2 * children.length - 1, 0);
  return children.reduce(
    (sum: number, child) => sum + countSeparators(child),
    own,
  );
}

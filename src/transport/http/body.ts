import { byteLength } from "../../base/byte_length.ts";
import type { ArrivingBody } from "./arriving_body.ts";
import {
  noRoomFor,
  ProtocolError,
  ProtocolErrorCode,
  type RefusedError,
} from "../../protocol/protocol_errors.ts";
import {
  idInEnds,
  idInHead,
  readMessage,
} from "../../protocol/message_text.ts";
import type { RequestId } from "../../protocol/types.ts";

/** Fault of a body as such. */
export abstract class BodyError extends ProtocolError {
  /** The id of the request, where the bytes let one read it. */
  readonly requestId: RequestId | null;

  constructor(code: number, message: string, requestId: RequestId | null) {
    super(code, message);
    this.requestId = requestId;
  }
}

/** The body is larger than the server takes: HTTP 413. */
export class BodyTooLargeError extends BodyError {
  override readonly name = "BodyTooLargeError";

  constructor(maxBytes: number, requestId: RequestId | null) {
    super(
      ProtocolErrorCode.InvalidRequest,
      `Invalid Request: the body is larger than ${maxBytes} bytes`,
      requestId,
    );
  }
}

const NO_ROOM = noRoomFor("another body of this size");

/** There is no room for the body now: HTTP 429. */
export class BodyRefusedError extends BodyError {
  override readonly name = "BodyRefusedError";
  readonly refused: RefusedError = NO_ROOM;

  constructor(requestId: RequestId | null) {
    super(NO_ROOM.code, NO_ROOM.message, requestId);
  }
}

/** The body has not come in time: HTTP 408. */
export class BodyLateError extends BodyError {
  override readonly name = "BodyLateError";

  constructor() {
    super(
      ProtocolErrorCode.InvalidRequest,
      "Invalid Request: the body has not come in time",
      null,
    );
  }
}

/** The body is no JSON, or no UTF-8: HTTP 400. */
export class BodyParseError extends BodyError {
  override readonly name = "BodyParseError";

  constructor(why: string, requestId: RequestId | null = null) {
    super(ProtocolErrorCode.ParseError, `Parse error: ${why}`, requestId);
  }
}

/**
 * The text of a request's body. `request.text()` takes any size and any bytes, and
 * can't be stopped: so the length is checked first where it is declared, and what
 * comes is counted.
 *
 * @param declared what the `content-length` header says
 * @param body counts it where it is large, and is told its size
 */
export function readText(
  request: Request,
  declared: number | undefined,
  maxBytes: number,
  body: ArrivingBody,
): Promise<string> {
  if (declared !== undefined) {
    // What is no number, such as a list of two equal lengths, is too large as well.
    if (!(declared <= maxBytes)) {
      return refuse(request, (id) => new BodyTooLargeError(maxBytes, id));
    }
    if (!body.holds(declared)) {
      return refuse(request, (id) => new BodyRefusedError(id));
    }
  }
  return readCounted(request, declared, maxBytes, body);
}

/**
 * The message in a body.
 *
 * @param declaredBytes the size that the client gave, unless the bytes are known to be UTF-8
 * @throws {BodyParseError}
 */
export function parseBody(
  text: string,
  declaredBytes: number | undefined,
): unknown {
  if (declaredBytes !== undefined && cameMangled(text, declaredBytes)) {
    throw new BodyParseError(NO_UTF8, idInHead(text));
  }
  try {
    return readMessage(text);
  } catch {
    throw new BodyParseError("the body is not valid JSON", idInHead(text));
  }
}

/** Meaning of a failure to read. */
export function readFailure(error: unknown): BodyError {
  return error instanceof BodyError
    ? error
    : new BodyParseError("the body ended before it was complete");
}

const NO_UTF8 = "the body is not valid UTF-8";

/**
 * Tells if a text came from bytes that were not UTF-8. A reader that puts
 * U+FFFD in their place makes the text longer than what was sent: one or two
 * bytes became three. A byte order mark, which it leaves out, makes it three
 * bytes shorter.
 */
function cameMangled(text: string, declaredBytes: number): boolean {
  if (!text.includes("\uFFFD")) return false;
  const excess = byteLength(text) - declaredBytes;
  const most = 2 * (text.split("\uFFFD").length - 1);
  // Any other length says nothing: what was declared may have been compressed.
  return excess !== 0 && excess > -3 && excess <= most;
}

/** Room that a body of unknown length begins with. */
const FIRST_BYTES = 4 * 1024;

/** @param declared bytes for which there is room already */
async function readCounted(
  request: Request,
  declared: number | undefined,
  maxBytes: number,
  body: ArrivingBody,
): Promise<string> {
  // Chunks of a byte each would take a hundred times as much.
  let bytes = new Uint8Array(FIRST_BYTES);
  let size = 0;
  const reader = body.reader = request.body?.getReader();
  try {
    for (
      let read = await reader?.read();
      read?.done === false;
      read = await reader!.read()
    ) {
      const end = size + read.value.length;
      if (end > bytes.length) {
        const larger = Math.max(end, declared ?? 2 * bytes.length);
        if (!body.holds(larger)) {
          throw new BodyRefusedError(idInEnds(bytes, NOTHING));
        }
        const grown = new Uint8Array(larger);
        grown.set(bytes.subarray(0, size));
        bytes = grown;
      }
      bytes.set(read.value, size);
      size = end;
      if (size > maxBytes) {
        throw new BodyTooLargeError(maxBytes, idInEnds(bytes, NOTHING));
      }
    }
  } catch (error) {
    await reader?.cancel().catch(() => {});
    throw error;
  }
  body.size = size;
  return decode(bytes.subarray(0, size));
}

const NOTHING = new Uint8Array();

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BodyParseError(NO_UTF8, idInEnds(bytes, bytes));
  }
}

/** Milliseconds that the beginning of a body which is refused may take to come. */
const BEGIN_MS = 20;

/** Refuses a body unread, with the id that its beginning may have. */
async function refuse(
  request: Request,
  error: (id: RequestId | null) => BodyError,
): Promise<never> {
  const reader = request.body?.getReader();
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), BEGIN_MS);
  let begin: Uint8Array | undefined;
  try {
    begin = (await Promise.race([reader?.read(), late.promise]))?.value;
    await reader?.cancel();
  } catch {
    // The client has gone; there is nothing left to refuse.
  } finally {
    clearTimeout(timer);
  }
  throw error(begin === undefined ? null : idInEnds(begin, NOTHING));
}

import {
  ProtocolError,
  ProtocolErrorCode,
  type RefusedError,
  retryAfterSeconds,
} from "../../protocol/protocol_errors.ts";
import { errorText } from "../../protocol/jsonrpc.ts";
import type { RequestId } from "../../protocol/types.ts";
import { BodyTooLargeError } from "./body.ts";

/** The one form of answer that Deno has a fast path for. */
const JSON_INIT: ResponseInit = {
  headers: { "content-type": "application/json" },
};

/** A JSON answer with status 200 and no header but its type. */
export function jsonResponse(text: string): Response {
  return new Response(text, JSON_INIT);
}

/** A JSON answer with a status or headers of its own. */
export function jsonResponseWith(
  text: string,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Headers with more of them: those of one name make a list. */
export function withHeaders(
  headers: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...headers };
  for (const [name, value] of Object.entries(more)) {
    all[name] = Object.hasOwn(all, name) ? `${all[name]}, ${value}` : value;
  }
  return all;
}

const EVENTS_INIT: ResponseInit = {
  headers: { "content-type": "text/event-stream" },
};

/**
 * Events that are all there already. Nothing in between can hold them up, so it
 * need not be told not to, and one header is cheaper than three (bench/http.ts,
 * "progress").
 */
export function eventsResponse(
  text: string,
  headers: Record<string, string> | undefined,
): Response {
  return new Response(
    text,
    headers === undefined
      ? EVENTS_INIT
      : { headers: { "content-type": "text/event-stream", ...headers } },
  );
}

/** Error that a client is told of a fault of the server's own. */
export const INTERNAL_ERROR: ProtocolError = new ProtocolError(
  ProtocolErrorCode.InternalError,
  "Internal error",
);

/** A refusal before a request was understood. */
export function refusal(
  status: number,
  error: ProtocolError,
  id: RequestId | null = null,
  headers: Record<string, string> = {},
): Response {
  return jsonResponseWith(errorText(id, error), status, headers);
}

/** Tells a client when to come back with what was refused. */
export function refusedResponse(
  error: RefusedError,
  text: string,
  headers?: Record<string, string>,
): Response {
  return jsonResponseWith(text, error.status, {
    ...headers,
    "retry-after": retryAfterSeconds(error.data.retryAfterMs),
  });
}

/** Turns away a request that could be served later. */
export function refuseForNow(
  error: RefusedError,
  id: RequestId | null = null,
): Response {
  return refusedResponse(error, errorText(id, error));
}

/** The status of an error found in reading or checking a request. */
export function rejectionStatus(error: ProtocolError): number {
  if (error instanceof BodyTooLargeError) return 413;
  return error.code === ProtocolErrorCode.MethodNotFound ? 404 : 400;
}

/**
 * The status of an error that a modern request's method ended with: most travel
 * under 200, as results do (specification 2026-07-28, Streamable HTTP).
 */
export function modernStatus({ code }: ProtocolError): number {
  switch (code) {
    case ProtocolErrorCode.MethodNotFound:
      return 404;
    case ProtocolErrorCode.HeaderMismatch:
    case ProtocolErrorCode.MissingRequiredClientCapability:
    case ProtocolErrorCode.UnsupportedProtocolVersion:
      return 400;
    default:
      return 200;
  }
}

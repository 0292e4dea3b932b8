import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import { isModernRevision } from "../../protocol/revision.ts";
import { refusal } from "./http_response.ts";

/** What nearly every client sends, word for word. */
const USUAL_ACCEPT = "application/json, text/event-stream";

/**
 * What a POST with the wrong `content-type` or `accept` is told.
 *
 * @returns `undefined` if both are right
 */
export function checkMediaTypes(
  headers: Headers,
  version: string | null,
): Response | undefined {
  // In small letters Deno (2.9) has a way for these two of its own, which is slower
  // once the headers are listed (bench/http.ts, "echo").
  const type = headers.get("Content-Type");
  if (type !== "application/json" && !isJson(type)) {
    return mediaTypeRefusal(
      415,
      "Unsupported Media Type: Content-Type must be application/json",
      version,
    );
  }
  const accept = headers.get("Accept");
  if (accept !== USUAL_ACCEPT && !acceptsBoth(accept)) {
    return mediaTypeRefusal(
      406,
      "Not Acceptable: Client must accept both application/json and text/event-stream",
      version,
    );
  }
  return undefined;
}

function isJson(type: string | null): boolean {
  return type !== null &&
    /^application\/json[\t ]*(;|$)/i.test(type.trim());
}

function acceptsBoth(accept: string | null): boolean {
  if (accept === null) return false;
  const ranges = accept.toLowerCase().split(",").map((range) =>
    range.split(";")[0].trim()
  );
  const accepts = (type: string) =>
    ranges.some((range) =>
      range === type || range === "*/*" ||
      range === `${type.split("/")[0]}/*`
    );
  return accepts("application/json") && accepts("text/event-stream");
}

/** The modern era has no code of its own for these; legacy clients know -32000. */
function mediaTypeRefusal(
  status: number,
  message: string,
  version: string | null,
): Response {
  const code = version !== null && isModernRevision(version)
    ? ProtocolErrorCode.InvalidRequest
    : ProtocolErrorCode.ConnectionClosed;
  return refusal(status, new ProtocolError(code, message));
}

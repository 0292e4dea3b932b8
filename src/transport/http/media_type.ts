import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";
import { isModernRevision } from "../../protocol/revision.ts";
import { refusal } from "./http_response.ts";
import type { HeaderReader } from "./served_request.ts";

/** Header that nearly every client sends, word for word. */
const USUAL_ACCEPT = "application/json, text/event-stream";

/**
 * Refusal of a POST with the wrong `content-type` or `accept`.
 *
 * @returns `undefined` if both are right
 */
export function checkMediaTypes(
  headers: HeaderReader,
  version: string | null,
): Response | undefined {
  const refused = checkContentType(headers, version);
  if (refused !== undefined) return refused;
  const accept = headers.get("accept");
  if (
    accept !== USUAL_ACCEPT &&
    !(accepts(accept, "application/json") &&
      accepts(accept, "text/event-stream"))
  ) {
    return mediaTypeRefusal(
      406,
      "Not Acceptable: Client must accept both application/json and text/event-stream",
      version,
    );
  }
  return undefined;
}

/** The half of {@linkcode checkMediaTypes} that looks at what was sent. */
export function checkContentType(
  headers: HeaderReader,
  version: string | null,
): Response | undefined {
  const type = headers.get("content-type");
  if (type === "application/json" || isJson(type)) return undefined;
  return mediaTypeRefusal(
    415,
    "Unsupported Media Type: Content-Type must be application/json",
    version,
  );
}

function isJson(type: string | null): boolean {
  return type !== null &&
    /^application\/json[\t ]*(;|$)/i.test(type.trim());
}

/** Tells if a header `Accept` lets a media type through. */
export function accepts(accept: string | null, type: string): boolean {
  const ranges = [type, `${type.split("/")[0]}/*`, "*/*"];
  const named = (accept ?? "").toLowerCase().split(",").map((each) => {
    const [range, ...params] = each.split(";").map((part) => part.trim());
    return { range, refused: params.some((part) => NEVER.test(part)) };
  });
  // The nearest range decides (RFC 9110, 12.5.1).
  for (const range of ranges) {
    const found = named.find((each) => each.range === range);
    if (found !== undefined) return !found.refused;
  }
  return false;
}

/** A weight of nothing: not acceptable. */
const NEVER = /^q\s*=\s*0(\.0*)?$/;

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

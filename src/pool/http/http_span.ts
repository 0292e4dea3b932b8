import { ambientTelemetry } from "../../observe/ambient_telemetry.ts";
import { endSpanWith, errorType } from "../../observe/span_outcome.ts";
import {
  type Attributes,
  SpanKind,
  type SpanLike,
} from "../../observe/telemetry_api.ts";
import { traceparentOf } from "../../observe/trace_context.ts";
import type { HttpRequest } from "./http_request.ts";

/**
 * Sends a request within a span of its own, which the server is told of. Where
 * Deno does that for every `fetch`, or nobody traces, it is only sent.
 *
 * @param resends How often the call has sent a request before.
 */
export function sendInSpan(
  request: HttpRequest,
  resends: number,
  send: (headers: HeadersInit) => Promise<Response>,
): Promise<Response> {
  const telemetry = ambientTelemetry();
  if (telemetry === undefined || telemetry.tracedByDeno) {
    return send(request.headers);
  }
  const span = telemetry.startSpan(request.method, {
    kind: SpanKind.CLIENT,
    attributes: describeRequest(request, resends),
  });
  if (span === undefined) return send(request.headers);
  return endSpanWith(span, send(withTrace(request.headers, span)), {
    result: describeResponse,
    error: (error) => ({ "error.type": errorType(error) }),
  });
}

function describeRequest(
  { method, href }: HttpRequest,
  resends: number,
): Attributes {
  const url = new URL(href);
  return {
    "http.request.method": method,
    "server.address": url.hostname,
    "server.port": portOf(url),
    // Without the query, which may hold a key or somebody's data.
    "url.full": url.origin + url.pathname,
    ...(resends > 0 && { "http.request.resend_count": resends }),
  };
}

function describeResponse({ status }: Response): Attributes {
  return {
    "http.response.status_code": status,
    ...(status >= 400 && { "error.type": String(status) }),
  };
}

/** The headers of a request that the server shall count to a span. */
function withTrace(headers: HeadersInit, span: SpanLike): Headers {
  const context = span.spanContext();
  const traced = new Headers(headers);
  traced.set("traceparent", traceparentOf(context));
  const state = context.traceState?.serialize();
  if (state) traced.set("tracestate", state);
  return traced;
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

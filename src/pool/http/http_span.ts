import { ambientTelemetry, SpanKind } from "../../observe/trace/telemetry.ts";
import { endSpanWith, errorType } from "../../observe/trace/span_outcome.ts";
import type { Attributes, Span } from "@opentelemetry/api";
import { traceparentOf } from "../../observe/trace/trace_context.ts";
import type { HeaderList, HttpRequest } from "./http_request.ts";
import type { ResponseHead } from "./response_head.ts";
import { TripError } from "./transport.ts";

/**
 * Sends a request within a span of its own, which the server is told of. Where
 * Deno does that for every `fetch`, or nobody traces, it is only sent.
 *
 * @param resends How often the call has sent a request before.
 */
export function sendInSpan(
  request: HttpRequest,
  resends: number,
  send: (headers: HeaderList) => Promise<ResponseHead>,
): Promise<ResponseHead> {
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
    error: (error) => ({ "error.type": errorType(causeOf(error)) }),
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

/** What the network did, where it is known. */
function causeOf(error: unknown): unknown {
  return error instanceof TripError ? error.cause ?? error : error;
}

function describeResponse({ status }: ResponseHead): Attributes {
  return {
    "http.response.status_code": status,
    ...(status >= 400 && { "error.type": String(status) }),
  };
}

/** The headers of a request that the server shall count to a span. */
function withTrace(headers: HeaderList, span: Span): HeaderList {
  const context = span.spanContext();
  const state = context.traceState?.serialize();
  return [
    ...headers.filter(([name]) =>
      name !== "traceparent" && (name !== "tracestate" || !state)
    ),
    ["traceparent", traceparentOf(context)],
    ...state ? [["tracestate", state] as const] : [],
  ];
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

import { ambientTelemetry } from "../observe/ambient_telemetry.ts";
import {
  SpanKind,
  type SpanLike,
  STATUS_ERROR,
} from "../observe/telemetry_api.ts";
import { traceparentOf } from "../observe/trace_context.ts";
import { SluiceError } from "../base/errors.ts";
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
  send: (headers: Headers) => Promise<Response>,
): Promise<Response> {
  const telemetry = ambientTelemetry();
  if (telemetry?.tracer === undefined || telemetry.tracedByDeno) {
    return send(request.headers);
  }
  const { method, url } = request;
  const span = telemetry.startSpan(method, {
    kind: SpanKind.CLIENT,
    attributes: {
      "http.request.method": method,
      "server.address": url.hostname,
      "server.port": portOf(url),
      "url.full": withoutQuery(url),
      ...(resends > 0 && { "http.request.resend_count": resends }),
    },
  })!;
  return ended(span, send(withTrace(request.headers, span)));
}

/** The headers of a request that the server shall count to a span. */
function withTrace(headers: Headers, span: SpanLike): Headers {
  const context = span.spanContext();
  const traced = new Headers(headers);
  traced.set("traceparent", traceparentOf(context));
  const state = context.traceState?.serialize();
  if (state) traced.set("tracestate", state);
  return traced;
}

async function ended(
  span: SpanLike,
  sent: Promise<Response>,
): Promise<Response> {
  try {
    const response = await sent;
    span.setAttribute("http.response.status_code", response.status);
    if (response.status >= 400) fail(span, String(response.status));
    return response;
  } catch (error) {
    fail(span, errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

function fail(span: SpanLike, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: STATUS_ERROR });
}

function errorType(error: unknown): string {
  if (error instanceof SluiceError) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

/** A query may hold a key or somebody's data. */
function withoutQuery({ origin, pathname }: URL): string {
  return origin + pathname;
}

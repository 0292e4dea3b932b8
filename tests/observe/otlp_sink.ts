import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import type { Loose } from "../support/clients.ts";

/** Kinds of spans, as OTLP counts them. */
export const SpanKind = { SERVER: 2, CLIENT: 3 } as const;

/** The status of a span that failed. */
export const STATUS_ERROR = 2;

/** A span, as it came in. */
export interface SinkSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Loose;
  status: { code?: number; message?: string };
  links: { traceId: string; spanId: string }[];
}

/** One point of a metric, as it came in. */
export interface SinkPoint {
  name: string;
  unit: string;
  attributes: Loose;
  point: Loose;
  /** Whether it is a sum that only grows. */
  monotonic: boolean;
}

/** A log line, as it came in. */
export interface SinkLog {
  body: string;
  /** As OTLP counts them: 9 is info, 13 a warning, 17 an error. */
  severity: number;
  traceId: string;
  spanId: string;
}

/** A collector of the test's own: takes OTLP over HTTP, in JSON. */
export class OtlpSink implements AsyncDisposable {
  readonly spans: SinkSpan[] = [];
  readonly points: SinkPoint[] = [];
  readonly logs: SinkLog[] = [];
  readonly resources: Loose[] = [];
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      signal: this.#stop.signal,
    }, (request) => this.#take(request));
  }

  /** What a process needs in its environment to export here, soon. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_SCHEDULE_DELAY: "50",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    };
  }

  async #take(request: Request): Promise<Response> {
    const body = await request.json();
    switch (new URL(request.url).pathname) {
      case "/v1/traces":
        this.#takeSpans(body);
        break;
      case "/v1/metrics":
        this.#takeMetrics(body);
        break;
      case "/v1/logs":
        this.#takeLogs(body);
    }
    return Response.json({});
  }

  #takeSpans({ resourceSpans }: Loose): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resources.push(attributesOf(resource.attributes));
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({
            ...span,
            parentSpanId: span.parentSpanId ?? "",
            attributes: attributesOf(span.attributes),
            status: span.status ?? {},
            links: span.links ?? [],
          });
        }
      }
    }
  }

  #takeMetrics({ resourceMetrics }: Loose): void {
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of scopeMetrics) {
        for (const { name, unit, histogram, sum, gauge } of metrics) {
          const { dataPoints = [], isMonotonic = false } = histogram ?? sum ??
            gauge ?? {};
          for (const point of dataPoints) {
            this.points.push({
              name,
              unit,
              attributes: attributesOf(point.attributes),
              point,
              monotonic: isMonotonic,
            });
          }
        }
      }
    }
  }

  #takeLogs({ resourceLogs }: Loose): void {
    for (const { scopeLogs } of resourceLogs) {
      for (const { logRecords } of scopeLogs) {
        for (const each of logRecords) {
          const { body, severityNumber, traceId = "", spanId = "" } = each;
          this.logs.push({
            body: body?.stringValue ?? "",
            severity: severityNumber,
            traceId,
            spanId,
          });
        }
      }
    }
  }

  /** The first span that fits, past or to come. */
  async span(fits: (span: SinkSpan) => boolean): Promise<SinkSpan> {
    return await first(this.spans, fits, "span");
  }

  /** The first point of a metric that fits, past or to come. */
  async point(
    name: string,
    fits: (point: SinkPoint) => boolean = () => true,
  ): Promise<SinkPoint> {
    return await first(
      this.points,
      (point) => point.name === name && fits(point),
      name,
    );
  }

  /** The first log line that contains a text, past or to come. */
  async log(text: string): Promise<SinkLog> {
    return await first(this.logs, ({ body }) => body.includes(text), text);
  }

  /** The spans of a trace that have come in so far. */
  trace(traceId: string): SinkSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

async function first<T>(
  items: T[],
  fits: (item: T) => boolean,
  what: string,
): Promise<T> {
  try {
    await eventually(() => items.some(fits), 15_000);
  } catch (cause) {
    throw new Error(
      `no ${what} among ${JSON.stringify(items.slice(-20), null, 1)}`,
      { cause },
    );
  }
  return items.find(fits)!;
}

function attributesOf(list: Loose[] = []): Loose {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, valueOf(value)]),
  );
}

function valueOf(value: Loose): unknown {
  if ("intValue" in value) return Number(value.intValue);
  if ("doubleValue" in value) return Number(value.doubleValue);
  return value.stringValue ?? value.boolValue;
}

/** Tells spans of a name from others. */
export function called(name: string): (span: SinkSpan) => boolean {
  return (span) => span.name === name;
}

/** Asserts that one span is the child of another, in one trace. */
export function assertChild(child: SinkSpan, parent: SinkSpan): void {
  assert.equal(child.traceId, parent.traceId);
  assert.equal(child.parentSpanId, parent.spanId, `${child.name}'s parent`);
}

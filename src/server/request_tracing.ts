import type { Attributes, Context, Histogram, Span } from "@opentelemetry/api";
import { instrumentFigures } from "../observe/metrics/figure.ts";
import { processFigures } from "../observe/metrics/process_figures.ts";
import {
  FigureExport,
  shareFigureExport,
} from "../observe/metrics/figure_export.ts";
import { instruments } from "../observe/metrics/instruments.ts";
import { endSpan } from "../observe/trace/span_outcome.ts";
import {
  bringTelemetry,
  LIBRARY,
  SPAN_KEY,
  SpanKind,
  type Telemetry,
} from "../observe/trace/telemetry.ts";
import {
  isBaggage,
  parseTraceparent,
  remoteSpan,
} from "../observe/trace/trace_context.ts";
import type { ProtocolError } from "../protocol/errors.ts";
import type { Engine } from "./engine.ts";
import type { RequestContext } from "./request_context.ts";
import {
  describeRequest,
  describeSession,
  type RequestDescription,
} from "./request_attributes.ts";
import { serverFigures } from "./server_figures.ts";
import type { Session } from "./session.ts";

/** What the conventions advise for both histograms, in seconds. */
const DURATION_BOUNDS_S = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  ...[2, 5, 10, 30, 60, 120, 300],
];

/** What is kept of a request until it ends. */
export interface RequestTrace {
  readonly span: Span | undefined;
  readonly description: RequestDescription;
  readonly begunAtMs: number;
  ended: boolean;
}

/**
 * One span and one measurement for each request, after OpenTelemetry's
 * semantic conventions for MCP. Made only if somebody takes them.
 */
export class RequestTracing implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #telemetry: Telemetry;
  readonly #operations: Histogram | undefined;
  readonly #sessions: Histogram | undefined;
  readonly #ending: DisposableStack = new DisposableStack();

  constructor(engine: Engine, telemetry: Telemetry) {
    this.#engine = engine;
    this.#telemetry = telemetry;
    this.#ending.defer(bringTelemetry(telemetry));
    const { meterProvider } = telemetry;
    if (meterProvider === undefined) return;
    const meter = meterProvider.getMeter(LIBRARY);
    const histogram = (name: string, description: string) =>
      meter.createHistogram(name, {
        description,
        unit: "s",
        advice: { explicitBucketBoundaries: DURATION_BOUNDS_S },
      });
    this.#operations = histogram(
      "mcp.server.operation.duration",
      "How long the server took to answer a request.",
    );
    this.#sessions = histogram(
      "mcp.server.session.duration",
      "How long sessions of legacy clients lasted.",
    );
    this.#ending.use(
      new FigureExport(meterProvider, () => [
        ...serverFigures(engine),
        ...engine.metrics.figures,
      ]),
    );
    this.#ending.defer(
      shareFigureExport(meterProvider, () => [
        ...processFigures(),
        ...instrumentFigures(instruments.read()),
      ]),
    );
  }

  /** Begins a request's span and runs its work, and all that this starts, within. */
  run(context: RequestContext, work: () => void): void {
    const description = describeRequest(this.#engine, context);
    const ambient = this.#telemetry.context;
    const { outer, linked } = this.#outerContext(context, ambient);
    const span = this.#telemetry.startSpan(
      description.spanName,
      {
        kind: SpanKind.SERVER,
        attributes: { ...description.measured, ...description.spanOnly },
        ...(linked && { links: [{ context: linked.spanContext() }] }),
      },
      outer,
    );
    context.trace = {
      span,
      description,
      begunAtMs: this.#engine.clock.now(),
      ended: false,
    };
    const inner = span === undefined ? outer : outer.setValue(SPAN_KEY, span);
    this.#telemetry.run(inner, work);
  }

  /**
   * The context that the request says it belongs to: by its `_meta`, else the
   * transport's, else by its HTTP headers.
   *
   * @returns also the transport's span, where it is not the parent
   */
  #outerContext(
    { meta, reply: { request } }: RequestContext,
    ambient: Context,
  ): { outer: Context; linked?: Span } {
    const active = ambient.getValue(SPAN_KEY) as Span | undefined;
    const within = isBaggage(meta?.baggage)
      ? this.#telemetry.withBaggage(ambient, meta.baggage)
      : ambient;
    const sent = parseTraceparent(meta?.traceparent, meta?.tracestate);
    if (sent !== undefined) {
      return {
        outer: within.setValue(SPAN_KEY, remoteSpan(sent)),
        linked: active,
      };
    }
    if (active !== undefined || request === undefined) return { outer: within };
    const { headers } = request;
    const carried = parseTraceparent(
      headers.get("traceparent"),
      headers.get("tracestate"),
    );
    return {
      outer: carried === undefined
        ? within
        : within.setValue(SPAN_KEY, remoteSpan(carried)),
    };
  }

  /** Ends a request that has been answered with a result. */
  succeeded(context: RequestContext, result: unknown): void {
    const failed = context.method === "tools/call" &&
      (result as { isError?: unknown } | undefined)?.isError === true;
    this.#end(context, failed ? { "error.type": "tool_error" } : {});
  }

  /** Ends a request that has been answered with an error. */
  failed(context: RequestContext, { code, message }: ProtocolError): void {
    const status = String(code);
    this.#end(
      context,
      { "error.type": status, "rpc.response.status_code": status },
      message,
    );
  }

  /** Begins and ends a request that is not let through to its method. */
  refused(context: RequestContext, error: ProtocolError): void {
    this.run(context, () => this.failed(context, error));
  }

  /** Ends a request that its client has called off. */
  cancelled(context: RequestContext): void {
    this.#end(context, { "error.type": "cancelled" });
  }

  /** Does nothing for a request that has ended already, such as a subscription. */
  #end(context: RequestContext, outcome: Attributes, message?: string): void {
    const { trace } = context;
    if (trace === undefined || trace.ended) return;
    const { span, description, begunAtMs } = trace;
    trace.ended = true;
    const changed = context.method === "initialize"
      ? { ...outcome, ...describeSession(context.session) }
      : outcome;
    if (span !== undefined) endSpan(span, changed, message);
    this.#measure(this.#operations, begunAtMs, {
      ...description.measured,
      ...changed,
    });
  }

  /** A meter that fails costs its measurement, and no request. */
  #measure(
    histogram: Histogram | undefined,
    begunAtMs: number,
    attributes: Attributes,
  ): void {
    const seconds = (this.#engine.clock.now() - begunAtMs) / 1_000;
    try {
      histogram?.record(seconds, attributes);
    } catch {
      // The request itself has gone as it has.
    }
  }

  /** Takes the duration of a session that has ended. */
  sessionEnded(session: Session): void {
    if (!session.initialized) return;
    this.#measure(
      this.#sessions,
      session.openedAtMs,
      describeSession(session),
    );
  }

  /** Gives Deno's own span of an HTTP request its route, and the name that follows. */
  nameHttpSpan(method: string, route: string): void {
    if (!this.#telemetry.tracedByDeno) return;
    const span = this.#telemetry.activeSpan;
    span?.updateName(`${method} ${route}`);
    span?.setAttribute("http.route", route);
  }

  /** Gives pools no telemetry any more, and exports no figures. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#ending.dispose();
    return Promise.resolve();
  }
}

import {
  bringTelemetry,
  LIBRARY,
  SPAN_KEY,
  SpanKind,
  type Telemetry,
} from "../../observe/trace/telemetry.ts";
import {
  type Figure,
  instrumentFigures,
} from "../../observe/metrics/figure.ts";
import { processFigures } from "../../observe/metrics/process_figures.ts";
import type { Attributes, Context, Histogram, Span } from "@opentelemetry/api";
import type { Clock } from "../../base/clock.ts";
import {
  FigureExport,
  shareFigureExport,
} from "../../observe/metrics/figure_export.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { endSpan } from "../../observe/trace/span_outcome.ts";
import {
  isBaggage,
  parseTraceparent,
  remoteSpan,
} from "../../observe/trace/trace_context.ts";
import type { ProtocolError } from "../../protocol/protocol_errors.ts";
import type { Call } from "./call.ts";
import {
  describeCall,
  describeSession,
  type KnownWords,
} from "./call_attributes.ts";
import type { Session } from "../sessions/session.ts";

/** Bounds that the conventions advise for both histograms, in seconds. */
const DURATION_BOUNDS_S = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  ...[2, 5, 10, 30, 60, 120, 300],
];

/** Things that tracing needs to know of the server. */
export interface CallTracingOptions {
  readonly clock: Clock;
  readonly words: KnownWords;
}

/**
 * One span and one measurement for each call, after OpenTelemetry's
 * semantic conventions for MCP. Made only if somebody takes them.
 */
export class CallTracing implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #words: KnownWords;
  readonly #telemetry: Telemetry;
  readonly #operations: Histogram | undefined;
  readonly #sessions: Histogram | undefined;
  readonly #ending: DisposableStack = new DisposableStack();

  constructor(
    telemetry: Telemetry,
    { clock, words }: CallTracingOptions,
  ) {
    this.#clock = clock;
    this.#words = words;
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
  }

  /** Exports what the server holds, and what the process does. */
  exportFigures(serverFigures: () => Figure[]): void {
    const { meterProvider } = this.#telemetry;
    if (meterProvider === undefined) return;
    this.#ending.use(new FigureExport(meterProvider, serverFigures));
    this.#ending.defer(
      shareFigureExport(meterProvider, () => [
        ...processFigures(),
        ...instrumentFigures(instruments.read()),
      ]),
    );
  }

  /** Begins a request's span and runs its work, and all that this starts, within. */
  run(call: Call, work: () => void): void {
    const description = describeCall(this.#words, call);
    const ambient = this.#telemetry.context;
    const { outer, linked } = this.#outerContext(call, ambient);
    const span = this.#telemetry.startSpan(
      description.spanName,
      {
        kind: SpanKind.SERVER,
        attributes: { ...description.measured, ...description.spanOnly },
        ...(linked && { links: [{ context: linked.spanContext() }] }),
      },
      outer,
    );
    call.trace = {
      span,
      description,
      begunAtMs: this.#clock.now(),
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
    { meta, reply: { request } }: Call,
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
  succeeded(call: Call, result: unknown): void {
    const failed = call.method === "tools/call" &&
      (result as { isError?: unknown } | undefined)?.isError === true;
    this.#end(call, failed ? { "error.type": "tool_error" } : {});
  }

  /** Ends a request that has been answered with an error. */
  failed(call: Call, { code, message }: ProtocolError): void {
    const status = String(code);
    this.#end(
      call,
      { "error.type": status, "rpc.response.status_code": status },
      message,
    );
  }

  /** Begins and ends a request that is not let through to its method. */
  refused(call: Call, error: ProtocolError): void {
    this.run(call, () => this.failed(call, error));
  }

  /** Ends a request that its client has called off. */
  cancelled(call: Call): void {
    this.#end(call, { "error.type": "cancelled" });
  }

  /** Does nothing for a request that has ended already, such as a subscription. */
  #end(call: Call, outcome: Attributes, message?: string): void {
    const { trace } = call;
    if (trace === undefined || trace.ended) return;
    const { span, description, begunAtMs } = trace;
    trace.ended = true;
    const changed = call.method === "initialize"
      ? { ...outcome, ...describeSession(call.session) }
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
    const seconds = (this.#clock.now() - begunAtMs) / 1_000;
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

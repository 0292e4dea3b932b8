import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import {
  type ContextManagerLike,
  type MeterProviderLike,
  type PropagatorLike,
  SPAN_KEY,
  type SpanLike,
  type SpanOptionsLike,
  type TelemetryContext,
  type TracerLike,
  type TracerProviderLike,
} from "./telemetry_api.ts";

/** What spans and metrics are said to come from. */
export const LIBRARY = "@sluice/mcp";

/**
 * Where spans and metrics go. What is left out is not made.
 *
 * @example
 * ```ts
 * import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
 * import { McpServer } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "traced", version: "1.0.0" }, {
 *   tracing: { tracerProvider: new BasicTracerProvider() },
 * });
 * ```
 */
export interface TelemetryOptions {
  /** Takes the spans. */
  tracerProvider?: TracerProviderLike;
  /** Takes the metrics. */
  meterProvider?: MeterProviderLike;
  /**
   * Knows which span is active, for it to be the parent of those begun within.
   * @default the one registered with OpenTelemetry's API, or else Deno's
   */
  contextManager?: ContextManagerLike;
}

/** What is registered with OpenTelemetry's API, by an author or by Deno. */
interface Registered {
  trace?: TracerProviderLike;
  metrics?: MeterProviderLike;
  context?: ContextManagerLike;
  propagation?: PropagatorLike;
}

interface DenoTelemetry {
  tracerProvider: TracerProviderLike;
  contextManager: ContextManagerLike;
}

/** The place where every copy of OpenTelemetry's API 1.x keeps what is registered. */
const API_KEY = Symbol.for("opentelemetry.js.api.1");

function registered(): Registered {
  return (globalThis as { [API_KEY]?: Registered })[API_KEY] ?? {};
}

function denoTelemetry(): DenoTelemetry | undefined {
  return (globalThis as { Deno?: { telemetry?: DenoTelemetry } }).Deno
    ?.telemetry;
}

function usualContexts(): ContextManagerLike | undefined {
  return registered().context ?? denoTelemetry()?.contextManager;
}

/** OpenTelemetry as Sluice uses it: what makes spans, and what knows the active one. */
export class Telemetry {
  /** Makes spans; `undefined` if nobody takes them. */
  readonly tracer: TracerLike | undefined;
  /** Makes meters; `undefined` if nobody takes metrics. */
  readonly meterProvider: MeterProviderLike | undefined;
  /** Whether Deno itself makes spans for `Deno.serve` and `fetch`. */
  readonly tracedByDeno: boolean;
  readonly #contexts: ContextManagerLike;
  readonly #propagator: PropagatorLike | undefined;

  /** @throws {InvalidOptionError} if nothing knows the active span */
  constructor(
    { tracerProvider, meterProvider, contextManager }: TelemetryOptions,
  ) {
    const { trace, propagation } = registered();
    const deno = denoTelemetry();
    const contexts = contextManager ?? usualContexts();
    if (contexts === undefined) {
      throw new InvalidOptionError(
        "tracing needs a contextManager on this runtime, got undefined",
      );
    }
    this.#contexts = contexts;
    this.#propagator = propagation;
    this.tracer = tracerProvider?.getTracer(LIBRARY);
    this.meterProvider = meterProvider;
    this.tracedByDeno = deno !== undefined && trace === deno.tracerProvider;
  }

  /**
   * What is registered with OpenTelemetry's API: Deno's own with
   * `OTEL_DENO=true`; `undefined` if nothing is that could be used.
   */
  static registered(): Telemetry | undefined {
    const { trace, metrics } = registered();
    const isUsable = (trace !== undefined || metrics !== undefined) &&
      usualContexts() !== undefined;
    return isUsable
      ? new Telemetry({ tracerProvider: trace, meterProvider: metrics })
      : undefined;
  }

  /** The context of what runs now. */
  get context(): TelemetryContext {
    return this.#contexts.active();
  }

  /** The span that is active now. */
  get activeSpan(): SpanLike | undefined {
    return this.context.getValue(SPAN_KEY) as SpanLike | undefined;
  }

  /**
   * Begins a span within the active one, or within that of a context;
   * `undefined` if nobody takes spans, or the provider fails at it.
   */
  startSpan(
    name: string,
    options: SpanOptionsLike,
    context: TelemetryContext = this.context,
  ): SpanLike | undefined {
    try {
      return this.tracer?.startSpan(name, options, context);
    } catch {
      return undefined;
    }
  }

  /** Runs a function, and all that it starts, in a context. */
  run<R>(context: TelemetryContext, fn: () => R): R {
    return this.#contexts.with(context, fn);
  }

  /** A context with a message's `baggage`, where somebody is registered to read it. */
  withBaggage(context: TelemetryContext, baggage: string): TelemetryContext {
    return this.#propagator?.extract(context, { baggage }, {
      keys: Object.keys,
      get: (carrier, key) => carrier[key],
    }) ?? context;
  }
}

/**
 * The telemetry that an option asks for.
 *
 * @throws {InvalidOptionError} for what is no such option
 */
export function resolveTelemetry(
  option: "auto" | false | TelemetryOptions = "auto",
): Telemetry | undefined {
  if (option === false) return undefined;
  if (option === "auto") return Telemetry.registered();
  if (
    typeof option !== "object" || option === null ||
    (option.tracerProvider === undefined &&
      option.meterProvider === undefined)
  ) {
    throw new InvalidOptionError(
      `tracing must be "auto", false, or have a tracerProvider or a meterProvider, got ${
        quote(option)
      }`,
    );
  }
  checkMethod("tracerProvider", option.tracerProvider, "getTracer");
  checkMethod("meterProvider", option.meterProvider, "getMeter");
  checkMethod("contextManager", option.contextManager, "with");
  return new Telemetry(option);
}

/** Deno's providers are classes whose static methods are called. */
function checkMethod(name: string, value: unknown, method: string): void {
  if (value === undefined) return;
  if (typeof (value as Record<string, unknown>)?.[method] === "function") {
    return;
  }
  throw new InvalidOptionError(
    `tracing.${name} must have a method ${method}, got ${quote(value)}`,
  );
}

import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type {
  Context,
  ContextManager,
  MeterProvider,
  Span,
  SpanOptions,
  TextMapPropagator,
  Tracer,
  TracerProvider,
} from "@opentelemetry/api";

/** The name that spans and metrics are said to come from. */
export const LIBRARY = "@sluice/mcp";

/**
 * The kinds of span that there are here. These three are OpenTelemetry's own
 * constants, whose package is not loaded: only its types are used.
 */
export const SpanKind = { SERVER: 1, CLIENT: 2 } as const;

/** The status code of a span that failed. */
export const STATUS_ERROR = 2;

/** The key under which a context keeps its span. */
export const SPAN_KEY: symbol = Symbol.for("OpenTelemetry Context Key SPAN");

/** Makes tracers; OpenTelemetry's `TracerProvider`. */
export interface TracerProviderLike {
  /** The tracer of a library: OpenTelemetry's `Tracer`. */
  getTracer(name: string, version?: string): object;
}

/** Makes meters; OpenTelemetry's `MeterProvider`. */
export interface MeterProviderLike {
  /** The meter of a library: OpenTelemetry's `Meter`. */
  getMeter(name: string, version?: string): object;
}

/** Knows the context of whatever runs; OpenTelemetry's `ContextManager`. */
export interface ContextManagerLike {
  /** The context of what runs now: OpenTelemetry's `Context`. */
  active(): object;
  /** Runs a function, and all that it starts, in a context. */
  with<R>(context: never, fn: () => R): R;
}

/**
 * Destinations of spans and metrics. What is left out is not made.
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

/** Providers that an author, or Deno, has registered with OpenTelemetry's API. */
interface Registered {
  trace?: TracerProvider;
  metrics?: MeterProvider;
  context?: ContextManager;
  propagation?: TextMapPropagator;
}

interface DenoTelemetry {
  tracerProvider: TracerProvider;
  contextManager: ContextManager;
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

function usualContexts(): ContextManager | undefined {
  return registered().context ?? denoTelemetry()?.contextManager;
}

/** Says if Deno makes spans for `Deno.serve` and `fetch`. */
export function isTracedByDeno(): boolean {
  const deno = denoTelemetry();
  return deno !== undefined && registered().trace === deno.tracerProvider;
}

/** OpenTelemetry as Sluice uses it: what makes spans, and what knows the active one. */
export class Telemetry {
  /** Makes spans; `undefined` if nobody takes them. */
  readonly tracer: Tracer | undefined;
  /** Makes meters; `undefined` if nobody takes metrics. */
  readonly meterProvider: MeterProvider | undefined;
  /** Set where Deno itself makes spans for `Deno.serve` and `fetch`. */
  readonly tracedByDeno: boolean;
  readonly #contexts: ContextManager;
  readonly #propagator: TextMapPropagator | undefined;

  /** @throws {InvalidOptionError} if nothing knows the active span */
  constructor(
    { tracerProvider, meterProvider, contextManager }: TelemetryOptions,
  ) {
    const { propagation } = registered();
    const contexts = contextManager as ContextManager | undefined ??
      usualContexts();
    if (contexts === undefined) {
      throw new InvalidOptionError(
        "tracing needs a contextManager on this runtime, got undefined",
      );
    }
    this.#contexts = contexts;
    this.#propagator = propagation;
    this.tracer = tracerProvider?.getTracer(LIBRARY) as Tracer | undefined;
    this.meterProvider = meterProvider as MeterProvider | undefined;
    this.tracedByDeno = isTracedByDeno();
  }

  /**
   * Takes what is registered with OpenTelemetry's API: Deno's own with
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
  get context(): Context {
    return this.#contexts.active();
  }

  /** The span that is active now. */
  get activeSpan(): Span | undefined {
    return this.context.getValue(SPAN_KEY) as Span | undefined;
  }

  /**
   * Begins a span within the active one, or within that of a context;
   * `undefined` if nobody takes spans, or the provider fails at it.
   */
  startSpan(
    name: string,
    options: SpanOptions,
    context: Context = this.context,
  ): Span | undefined {
    try {
      return this.tracer?.startSpan(name, options, context);
    } catch {
      return undefined;
    }
  }

  /** Runs a function, and all that it starts, in a context. */
  run<R>(context: Context, fn: () => R): R {
    return this.#contexts.with(context, fn);
  }

  /** A context with a message's `baggage`, where somebody is registered to read it. */
  withBaggage(context: Context, baggage: string): Context {
    return this.#propagator?.extract(context, { baggage }, {
      keys: Object.keys,
      get: (carrier: Record<string, string>, key) => carrier[key],
    }) ?? context;
  }
}

/** Telemetry of the servers that trace, the latest last. */
const brought: Telemetry[] = [];

/**
 * The telemetry for what knows of no server, such as a pool; `undefined` while
 * no server traces.
 */
export function ambientTelemetry(): Telemetry | undefined {
  return brought.at(-1);
}

/** Offers telemetry to pools and the like; returns how to take it back. */
export function bringTelemetry(telemetry: Telemetry): () => void {
  brought.push(telemetry);
  return () => {
    const index = brought.lastIndexOf(telemetry);
    if (index >= 0) brought.splice(index, 1);
  };
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

/**
 * What Sluice uses of OpenTelemetry's API, so that it needn't import it: the
 * providers of `npm:@opentelemetry/api`, of its SDKs and of Deno all fit.
 */

/** A value that a span or a measurement is described by. */
export type AttributeValue = string | number | boolean;

/** What describes a span or a measurement, by the conventions' names. */
export type Attributes = Record<string, AttributeValue>;

/** What a system through which a trace has come says of it (W3C `tracestate`). */
export interface TraceStateLike {
  /** The value of one system. */
  get(key: string): string | undefined;
  /** A copy in which the system's value comes first. */
  set(key: string, value: string): TraceStateLike;
  /** A copy without the system's value. */
  unset(key: string): TraceStateLike;
  /** The text of the `tracestate` header. */
  serialize(): string;
}

/** What identifies a span wherever it is seen. */
export interface SpanContextLike {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** The lowest bit says whether the span is sampled. */
  traceFlags: number;
  /** Whether it came from another process. */
  isRemote?: boolean;
  /** What other systems say of the trace. */
  traceState?: TraceStateLike;
}

/** One piece of work, with its begin and its end. */
export interface SpanLike {
  /** What identifies it. */
  spanContext(): SpanContextLike;
  /** Describes it. */
  setAttribute(key: string, value: AttributeValue): unknown;
  /** Describes it in several ways. */
  setAttributes(attributes: Attributes): unknown;
  /** Says how it went; code 2 is an error. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Names it anew. */
  updateName(name: string): unknown;
  /** Ends it, now. */
  end(): void;
}

/** What is carried along from call to call; never changes. */
export interface TelemetryContext {
  /** What is kept under a key. */
  getValue(key: symbol): unknown;
  /** A copy with another value under a key. */
  setValue(key: symbol, value: unknown): TelemetryContext;
  /** A copy without a key. */
  deleteValue(key: symbol): TelemetryContext;
}

/** How a span begins. */
export interface SpanOptionsLike {
  /** One of {@linkcode SpanKind}. */
  kind?: number;
  /** What describes it from the start; samplers see it. */
  attributes?: Attributes;
  /** Spans that belong to it without being its parent. */
  links?: { context: SpanContextLike }[];
}

/** Begins spans. */
export interface TracerLike {
  /** Begins a span whose parent is in the context. */
  startSpan(
    name: string,
    options?: SpanOptionsLike,
    context?: TelemetryContext,
  ): SpanLike;
}

/** Makes tracers; OpenTelemetry's `TracerProvider` is one. */
export interface TracerProviderLike {
  /** The tracer of a library. */
  getTracer(name: string, version?: string): TracerLike;
}

/** Knows the context of whatever runs; OpenTelemetry's `ContextManager` is one. */
export interface ContextManagerLike {
  /** The context of what runs now. */
  active(): TelemetryContext;
  /** Runs a function, and all that it starts, in a context. */
  with<R>(context: TelemetryContext, fn: () => R): R;
}

/** How an instrument is described. */
export interface MetricOptionsLike {
  /** One sentence. */
  description?: string;
  /** Such as `s` (UCUM). */
  unit?: string;
  /** Hints for who aggregates. */
  advice?: { explicitBucketBoundaries?: number[] };
}

/** Takes measurements of which the distribution counts. */
export interface HistogramLike {
  /** Takes one. */
  record(value: number, attributes?: Attributes): void;
}

/** A figure that is read when somebody wants to know. */
export type ObservableLike = object;

/** Takes what was read. */
export interface BatchObserverLike {
  /** One figure of one instrument. */
  observe(
    instrument: ObservableLike,
    value: number,
    attributes?: Attributes,
  ): void;
}

/** Makes instruments. */
export interface MeterLike {
  /** For durations and sizes. */
  createHistogram(name: string, options?: MetricOptionsLike): HistogramLike;
  /** For what only grows. */
  createObservableCounter(
    name: string,
    options?: MetricOptionsLike,
  ): ObservableLike;
  /** For what goes up and down. */
  createObservableGauge(
    name: string,
    options?: MetricOptionsLike,
  ): ObservableLike;
  /** Has several instruments read together. */
  addBatchObservableCallback(
    callback: (observer: BatchObserverLike) => void,
    instruments: ObservableLike[],
  ): void;
  /** Ends that. */
  removeBatchObservableCallback(
    callback: (observer: BatchObserverLike) => void,
    instruments: ObservableLike[],
  ): void;
}

/** Makes meters; OpenTelemetry's `MeterProvider` is one. */
export interface MeterProviderLike {
  /** The meter of a library. */
  getMeter(name: string, version?: string): MeterLike;
}

/** Reads and writes what a message carries; OpenTelemetry's `TextMapPropagator` is one. */
export interface PropagatorLike {
  /** The context with what the carrier brought. */
  extract(
    context: TelemetryContext,
    carrier: Record<string, string>,
    getter: {
      keys(carrier: Record<string, string>): string[];
      get(carrier: Record<string, string>, key: string): string | undefined;
    },
  ): TelemetryContext;
}

/** What a span stands for. */
export const SpanKind = { SERVER: 1, CLIENT: 2 } as const;

/** The status code of a span that failed. */
export const STATUS_ERROR = 2;

/** Where a context keeps its span: the key of OpenTelemetry's API. */
export const SPAN_KEY: symbol = Symbol.for("OpenTelemetry Context Key SPAN");

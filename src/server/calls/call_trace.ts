import type { Attributes, Span } from "@opentelemetry/api";

/** Description of a call for spans and metrics. */
export interface CallDescription {
  /** Of few different values, whatever clients send. */
  readonly spanName: string;
  /** Attributes that metrics tell calls apart by: few different values, too. */
  readonly measured: Attributes;
  /** Attributes of spans beside that, in place of it where both have one. */
  readonly spanOnly: Attributes;
}

/** State of a call's tracing, kept until it ends. */
export interface CallTrace {
  readonly span: Span | undefined;
  readonly description: CallDescription;
  readonly begunAtMs: number;
  ended: boolean;
}

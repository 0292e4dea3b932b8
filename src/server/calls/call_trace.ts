import type { Attributes, Span } from "@opentelemetry/api";

/** What spans and metrics say of a call. */
export interface CallDescription {
  /** Of few different values, whatever clients send. */
  readonly spanName: string;
  /** What metrics tell calls apart by: few different values, too. */
  readonly measured: Attributes;
  /** What spans say beside that, in place of it where both do. */
  readonly spanOnly: Attributes;
}

/** What is kept of a call's tracing until it ends. */
export interface CallTrace {
  readonly span: Span | undefined;
  readonly description: CallDescription;
  readonly begunAtMs: number;
  ended: boolean;
}

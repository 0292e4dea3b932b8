import type {
  Span,
  SpanContext,
  TraceState as OtelTraceState,
} from "@opentelemetry/api";

/** Version, trace id, parent id, flags, and what a later version may add. */
const TRACEPARENT =
  /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** Bounds of what is passed on (W3C Trace Context, section 3.3.1.5). */
const MAX_TRACESTATE_CHARS = 512;
const MAX_TRACESTATE_MEMBERS = 32;
const MAX_BAGGAGE_CHARS = 8_192;
const MAX_TRACEPARENT_CHARS = 256;

const MEMBER =
  /^([a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])$/;

/**
 * The span that a `traceparent` names (W3C Trace Context), and what its
 * `tracestate` says; `undefined` for anything else than a valid one.
 */
export function parseTraceparent(
  traceparent: unknown,
  tracestate?: unknown,
): SpanContext | undefined {
  if (
    typeof traceparent !== "string" ||
    traceparent.length > MAX_TRACEPARENT_CHARS
  ) return undefined;
  const match = TRACEPARENT.exec(traceparent);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  // Later versions may say more than is known now, the first may not.
  if (version === "ff" || (version === "00" && rest !== undefined)) {
    return undefined;
  }
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const traceState = TraceState.parse(tracestate);
  return {
    traceId,
    spanId,
    // Only this flag is known; others must not be passed on.
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(traceState !== undefined && { traceState }),
  };
}

/** The `traceparent` that names a span. */
export function traceparentOf(
  { traceId, spanId, traceFlags }: SpanContext,
): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

/** Tells baggage of a size to be passed on (W3C Baggage) from anything else. */
export function isBaggage(value: unknown): value is string {
  if (
    typeof value !== "string" || value === "" ||
    value.length > MAX_BAGGAGE_CHARS || !/^[\x20-\x7e\t]+$/.test(value)
  ) return false;
  try {
    decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}

/** The members of a `tracestate`, the latest first. */
export class TraceState implements OtelTraceState {
  readonly #members: ReadonlyMap<string, string>;

  private constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  /** Reads a text; `undefined` for one that is invalid, empty or too long. */
  static parse(text: unknown): TraceState | undefined {
    if (typeof text !== "string" || text.length > MAX_TRACESTATE_CHARS) {
      return undefined;
    }
    const members = new Map<string, string>();
    for (const part of text.split(",")) {
      const member = part.replace(/^[ \t]+|[ \t]+$/g, "");
      if (member === "") continue;
      const match = MEMBER.exec(member);
      // One bad member spoils the whole, as two of the same name do.
      if (match === null || members.has(match[1])) return undefined;
      members.set(match[1], match[2]);
    }
    return members.size === 0 || members.size > MAX_TRACESTATE_MEMBERS
      ? undefined
      : new TraceState(members);
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  set(key: string, value: string): TraceState {
    return new TraceState(
      new Map([[key, value], ...this.unset(key).#members]),
    );
  }

  unset(key: string): TraceState {
    const members = new Map(this.#members);
    members.delete(key);
    return new TraceState(members);
  }

  serialize(): string {
    return Array.from(this.#members, ([key, value]) => `${key}=${value}`)
      .join(",");
  }
}

/** Another process's span, as the parent of one of this process. */
export function remoteSpan(context: SpanContext): Span {
  return { ...ENDED, spanContext: () => context };
}

/** The part of a remote span that takes what nobody will see. */
const ENDED: Omit<Span, "spanContext"> = {
  isRecording: () => false,
  setAttribute: itself,
  setAttributes: itself,
  addEvent: itself,
  addLink: itself,
  addLinks: itself,
  setStatus: itself,
  updateName: itself,
  recordException() {},
  end() {},
};

function itself(this: Span): Span {
  return this;
}

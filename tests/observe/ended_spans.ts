import assert from "node:assert/strict";
import {
  BasicTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { TelemetryOptions } from "../../mod.ts";

/** Keeps the spans that have ended, in that order. */
export class EndedSpans implements SpanProcessor {
  readonly all: ReadableSpan[] = [];

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.all.push(span);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  named(name: string): ReadableSpan {
    const found = this.all.find((span) => span.name === name);
    assert.ok(found, `${name} among ${this.all.map((span) => span.name)}`);
    return found;
  }
}

/** An author's own provider, of OpenTelemetry's SDK, and what it was given. */
export function provider(): {
  ended: EndedSpans;
  tracing: TelemetryOptions;
} {
  const ended = new EndedSpans();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [ended] });
  return { ended, tracing: { tracerProvider } };
}

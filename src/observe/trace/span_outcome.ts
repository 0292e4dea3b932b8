import type { Attributes, Span } from "@opentelemetry/api";
import { SluiceError } from "../../base/errors.ts";
import { safeText } from "../log/log_fields.ts";
import { STATUS_ERROR } from "./telemetry.ts";

/**
 * Ends a span with what came of its work: an error if there is an `error.type`,
 * with a message that is bounded as in a log, and without passwords and tokens.
 * A provider that fails at it costs its span, and nobody's work.
 */
export function endSpan(
  span: Span,
  outcome: Attributes,
  message?: string,
): void {
  try {
    span.setAttributes(outcome);
    if ("error.type" in outcome) {
      span.setStatus({
        code: STATUS_ERROR,
        ...(message && { message: safeText(message) }),
      });
    }
    span.end();
  } catch {
    // The work itself has gone as it has.
  }
}

/** Ends a span when its work does, whichever way; gives what the work gives. */
export async function endSpanWith<R>(
  span: Span,
  work: Promise<R>,
  describe: {
    result?(result: R): Attributes;
    error(error: unknown): Attributes;
  },
): Promise<R> {
  try {
    const result = await work;
    endSpan(span, describe.result?.(result) ?? {});
    return result;
  } catch (error) {
    endSpan(span, describe.error(error));
    throw error;
  }
}

/** The `error.type` of something thrown: few different values. */
export function errorType(error: unknown): string {
  if (error instanceof SluiceError) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}

import type { Attributes } from "@opentelemetry/api";
import { endSpanWith, errorType } from "../../observe/trace/span_outcome.ts";
import { ambientTelemetry, SpanKind } from "../../observe/trace/telemetry.ts";
import { PostgresError } from "./postgres_errors.ts";
import { summarizeStatement } from "./statement_summary.ts";

/** Longer statements are cut. */
const MAX_TEXT_CHARS = 4_096;

const DEFAULT_PORT = 5432;

/** Attributes of a database, for every statement's span. */
export function describeDatabase(url: string | URL): Attributes {
  const attributes: Attributes = { "db.system.name": "postgresql" };
  const parsed = URL.parse(String(url));
  if (parsed === null || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    return attributes;
  }
  const { hostname, port, pathname } = parsed;
  if (pathname.length > 1) {
    attributes["db.namespace"] = decodedPath(pathname.slice(1));
  }
  if (hostname !== "") {
    attributes["server.address"] = hostname;
    attributes["server.port"] = Number(port) || DEFAULT_PORT;
  }
  return attributes;
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * Runs a statement within a span of its own, if anybody traces.
 *
 * @param hasParams Says that its values are elsewhere: a text that may hold them
 * itself is not shown.
 */
export function runInSpan<R>(
  text: string,
  hasParams: boolean,
  database: Attributes,
  run: () => Promise<R>,
): Promise<R> {
  const telemetry = ambientTelemetry();
  if (telemetry?.tracer === undefined) return run();
  const summary = summarizeStatement(text);
  const span = telemetry.startSpan(summary || "postgresql", {
    kind: SpanKind.CLIENT,
    attributes: {
      ...database,
      ...(summary && { "db.query.summary": summary }),
      ...(hasParams && { "db.query.text": text.slice(0, MAX_TEXT_CHARS) }),
    },
  });
  return span === undefined
    ? run()
    : endSpanWith(span, run(), { error: describeError });
}

/** Without the message: PostgreSQL's quote the values that they are about. */
function describeError(error: unknown): Attributes {
  if (!(error instanceof PostgresError)) {
    return { "error.type": errorType(error) };
  }
  const { sqlState } = error;
  return { "error.type": sqlState, "db.response.status_code": sqlState };
}

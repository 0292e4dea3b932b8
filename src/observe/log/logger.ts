import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import { thrownText } from "../../base/thrown.ts";
import {
  type Log,
  type LogLevel,
  type LogRecord,
  type LogSink,
  SEVERITIES,
} from "./log.ts";
import { safeRecord } from "./log_fields.ts";
import { stderrLog } from "./stderr_log.ts";

/**
 * Tells the operator what happens, from a level upwards. It never throws,
 * whatever its sink does.
 *
 * @example
 * ```ts
 * import { McpServer } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "users", version: "1.0.0" });
 * server.log.info("the index is loaded", { entries: 1_200 });
 * ```
 */
export class Logger implements Log {
  readonly #sink: LogSink;
  readonly #least: number;
  #sinkFailed = false;

  /**
   * Writes to a sink what is at least as grave as `level`.
   *
   * @throws {InvalidOptionError} for a level that there isn't
   */
  constructor(sink: LogSink = stderrLog, level: LogLevel = "info") {
    this.#sink = sink;
    this.#least = SEVERITIES.indexOf(level);
    if (this.#least < 0) {
      throw new InvalidOptionError(
        `logLevel must be one of ${SEVERITIES.join(", ")}, got ${quote(level)}`,
      );
    }
  }

  /** Tells if records of a level are written; ask before making fields that cost. */
  writes(level: LogLevel): boolean {
    return SEVERITIES.indexOf(level) >= this.#least;
  }

  /** Writes what only matters when looking for a fault. */
  debug(message: string, fields?: Record<string, unknown>): void {
    this.#write("debug", message, fields);
  }

  /** Writes what happens as it should. */
  info(message: string, fields?: Record<string, unknown>): void {
    this.#write("info", message, fields);
  }

  /** Writes what works, but should be looked at. */
  warning(message: string, fields?: Record<string, unknown>): void {
    this.#write("warning", message, fields);
  }

  /** Writes what went wrong. */
  error(message: string, fields?: Record<string, unknown>): void {
    this.#write("error", message, fields);
  }

  #write(
    level: LogLevel,
    message: string,
    fields: Record<string, unknown> = {},
  ): void {
    if (!this.writes(level)) return;
    const fail = (error: unknown) => this.#reportSink(error);
    try {
      const outcome: unknown = this.#sink(
        safeRecord({ level, message: String(message), fields }),
      );
      if (outcome instanceof Promise) outcome.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** A log that has fallen silent should say so, though only once. */
  #reportSink(error: unknown): void {
    if (this.#sinkFailed) return;
    this.#sinkFailed = true;
    const record: LogRecord = {
      level: "error",
      message: `the log's sink failed: ${thrownText(error)}`,
      fields: {},
    };
    try {
      stderrLog(record);
    } catch {
      // There is nowhere left to say it.
    }
  }
}

/** The log that an option names: one that is there, or one for a sink. */
export function toLog(option?: Log | LogSink): Log {
  return typeof option === "object" ? option : new Logger(option);
}

/** Writes one line for the operator about something that went wrong. */
export function reportFailure(
  log: Log,
  what: string,
  error: unknown,
  fields: Record<string, unknown> = {},
): void {
  log.error(`${what} failed: ${thrownText(error)}`, {
    ...fields,
    ...(error instanceof Error && { stack: error.stack }),
  });
}

/** As {@linkcode toLog}, where an option may be a function that takes messages alone. */
export function messageLog(option?: Log | ((message: string) => void)): Log {
  if (typeof option !== "function") return toLog(option);
  const tell = (message: string) => option(message);
  return { debug: tell, info: tell, warning: tell, error: tell };
}

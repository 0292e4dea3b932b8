import type { LogSink } from "./log.ts";

/** As much of a logger of LogTape (`@logtape/logtape`) as is needed. */
export interface LogTapeLogger {
  /** Takes a record of that level. */
  debug(message: string, properties?: Record<string, unknown>): void;
  /** Takes a record of that level. */
  info(message: string, properties?: Record<string, unknown>): void;
  /** Takes a record of that level. */
  warn(message: string, properties?: Record<string, unknown>): void;
  /** Takes a record of that level. */
  error(message: string, properties?: Record<string, unknown>): void;
}

/**
 * Passes records on to a logger of LogTape, with their fields as its
 * properties.
 *
 * @example
 * ```ts
 * import { type LogTapeLogger, logTapeLog, McpServer } from "@sluice/mcp";
 *
 * // import { getLogger } from "@logtape/logtape";
 * declare function getLogger(category: string[]): LogTapeLogger;
 *
 * const server = new McpServer({ name: "users", version: "1.0.0" }, {
 *   log: logTapeLog(getLogger(["users", "mcp"])),
 *   logLevel: "debug", // LogTape filters by itself
 * });
 * ```
 */
export function logTapeLog(logger: LogTapeLogger): LogSink {
  return ({ level, message, fields }) => {
    // A message is a template there, whose braces stand for properties.
    const text = message.replace(/[{}]/g, "$&$&");
    logger[level === "warning" ? "warn" : level](text, fields);
  };
}

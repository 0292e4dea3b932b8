/** The gravity of a record, from the least to the most. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** The levels, the least grave first. */
export const SEVERITIES: readonly LogLevel[] = [
  "debug",
  "info",
  "warning",
  "error",
];

/**
 * Takes what a part has to tell the operator: one sentence, and what it is
 * about. `server.log` is one, as any {@linkcode Logger} is.
 */
export interface Log {
  /** Takes what only matters when looking for a fault. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** Takes what happens as it should. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Takes what works, but should be looked at. */
  warning(message: string, fields?: Record<string, unknown>): void;
  /** Takes what went wrong. */
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A record of what the server tells its operator. */
export interface LogRecord {
  /** Its gravity. */
  level: LogLevel;
  /** One sentence. */
  message: string;
  /** Details that the message is about: request id, tool, duration; never arguments or tokens. */
  fields: Record<string, unknown>;
}

/**
 * Takes log records. Whatever it throws or rejects with harms no request. It
 * gets message and fields bounded in size, with what is named like a secret kept
 * back, as plain JSON values and errors. Those errors are copies: of their class
 * they have the name.
 *
 * A logger of your own is one line, here pino:
 *
 * @example
 * ```ts
 * import { type LogLevel, McpServer } from "@sluice/mcp";
 *
 * declare const pino: Record<
 *   "debug" | "info" | "warn" | "error",
 *   (fields: object, message: string) => void
 * >;
 * const method = (level: LogLevel) => level === "warning" ? "warn" : level;
 *
 * const server = new McpServer({ name: "users", version: "1.0.0" }, {
 *   log: ({ level, message, fields }) => pino[method(level)](fields, message),
 * });
 * ```
 */
export type LogSink = (record: LogRecord) => void;

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

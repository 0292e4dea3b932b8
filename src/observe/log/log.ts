/** How grave a record is, from the least to the most. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** The levels, the least grave first. */
export const SEVERITIES: readonly LogLevel[] = [
  "debug",
  "info",
  "warning",
  "error",
];

/** What the server tells its operator. */
export interface LogRecord {
  /** How grave it is. */
  level: LogLevel;
  /** One sentence. */
  message: string;
  /** What the message is about: request id, tool, duration; never arguments or tokens. */
  fields: Record<string, unknown>;
}

/**
 * Where log records go. Whatever it throws or rejects with harms no request. It
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

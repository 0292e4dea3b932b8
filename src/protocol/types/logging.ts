import type { RequestMeta } from "./message.ts";

/** From chatty to fatal (specification, server/utilities/logging, "Log Levels"; RFC 5424). */
export type LoggingLevel =
  | "debug"
  | "info"
  | "notice"
  | "warning"
  | "error"
  | "critical"
  | "alert"
  | "emergency";

/** What a log message says. */
export type LoggingMessageParams = {
  /** What the notification says of itself. */
  _meta?: RequestMeta;
  /** How grave it is. */
  level: LoggingLevel;
  /** The part of the server that speaks. */
  logger?: string;
  /** Any JSON value: a sentence, or an object of details. */
  data: unknown;
};

/** A log message (specification, server/utilities/logging, "Log Message Notifications"). */
export interface LoggingMessageNotification {
  /** Tells it from other notifications. */
  method: "notifications/message";
  /** What it says. */
  params: LoggingMessageParams;
}

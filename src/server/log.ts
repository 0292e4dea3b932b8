/** What the server tells its operator. */
export interface LogRecord {
  /** How grave it is. */
  level: "debug" | "info" | "warning" | "error";
  /** One sentence. */
  message: string;
  /** What the message is about: request id, tool, duration; never arguments or tokens. */
  fields: Record<string, unknown>;
}

/** Where log records go. */
export type LogSink = (record: LogRecord) => void;

/**
 * One line of JSON per record, to stderr: stdout belongs to the protocol on
 * stdio.
 */
export const stderrLog: LogSink = ({ level, message, fields }) => {
  console.error(
    JSON.stringify({
      time: new Date().toISOString(),
      level,
      message,
      ...fields,
    }),
  );
};

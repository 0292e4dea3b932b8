import { SluiceError } from "../../base/errors.ts";

/**
 * Fields of what the server says of a statement that it refused; see "Error and
 * Notice Message Fields" in the PostgreSQL manual. Which fields there are
 * depends on the error.
 */
export interface PostgresErrorFields
  extends
    Pick<PostgresError, "sqlState">,
    Partial<
      Pick<
        PostgresError,
        | "detail"
        | "hint"
        | "position"
        | "schema"
        | "table"
        | "column"
        | "constraint"
      >
    > {
  /** A line on what went wrong, in the server's language (`lc_messages`). */
  message: string;
}

/** The server refused a statement; the connection is as good as before. */
export class PostgresError extends SluiceError {
  /** The class, by name. */
  override readonly name = "PostgresError";
  /** The five characters of the SQL standard, such as `23505`. */
  readonly sqlState: string;
  /** More than the message says, such as the key that is there already. */
  readonly detail: string | undefined;
  /** A hint at what might be done about it, if the server has an idea. */
  readonly hint: string | undefined;
  /** The place in the statement, in characters counted from 1. */
  readonly position: number | undefined;
  /** The schema of what the error is about. */
  readonly schema: string | undefined;
  /** The table it is about. */
  readonly table: string | undefined;
  /** The column of that table. */
  readonly column: string | undefined;
  /** The constraint that was violated; an index counts as one. */
  readonly constraint: string | undefined;

  /** The message is the server's, followed by the SQLSTATE. */
  constructor(fields: PostgresErrorFields, options?: ErrorOptions) {
    super(
      "SLUICE_POSTGRES",
      `${fields.message} (SQLSTATE ${fields.sqlState})`,
      options,
    );
    this.sqlState = fields.sqlState;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.schema = fields.schema;
    this.table = fields.table;
    this.column = fields.column;
    this.constraint = fields.constraint;
  }
}

/** A prepared statement was gone, and its transaction with it: as by a pooler. */
export class StatementGoneError extends PostgresError {}

/**
 * A connection could not be made or was lost. A statement that was running may
 * or may not have had its effect.
 */
export class PostgresConnectionError extends SluiceError {
  /** The class, by name. */
  override readonly name = "PostgresConnectionError";

  /** The message says why; `cause` is the server's or the driver's error. */
  constructor(message: string, options?: ErrorOptions) {
    super("SLUICE_POSTGRES_CONNECTION", message, options);
  }
}

/** A query parameter is of a kind that PostgreSQL has no form for. */
export class PostgresParameterError extends SluiceError {
  /** The class, by name. */
  override readonly name = "PostgresParameterError";

  /** The message says which value, and why it has no form. */
  constructor(message: string, options?: ErrorOptions) {
    super("SLUICE_POSTGRES_PARAMETER", message, options);
  }
}

/** A connection failure, with what is known of its cause. */
export function connectionLost(cause: Error): PostgresConnectionError {
  return new PostgresConnectionError(
    `the connection to PostgreSQL was lost: ${cause.message}`,
    { cause },
  );
}

/** A failure to connect, with what is known of its cause. */
export function connectionRefused(error: Error): PostgresConnectionError {
  const cause = isServerError(error) ? toPostgresError(error) : error;
  return new PostgresConnectionError(
    `PostgreSQL could not be connected to: ${cause.message}`,
    { cause },
  );
}

/** A report of the server, with its fields as the drivers name them. */
export interface ServerError
  extends Error, Omit<PostgresErrorFields, "sqlState" | "position"> {
  severity: string;
  code: string;
  position?: string;
  routine?: string;
}

/** Tells what the server said from what else can go wrong. */
export function isServerError(error: Error): error is ServerError {
  return "severity" in error && "code" in error;
}

/** Turns a report of the server into Sluice's error. */
export function toPostgresError(error: ServerError): PostgresError {
  return new PostgresError(fieldsOf(error), { cause: error });
}

/** Turns a report that a statement is gone into what says the way out. */
export function toStatementGone(error: ServerError): StatementGoneError {
  const { message, ...fields } = fieldsOf(error);
  return new StatementGoneError({
    ...fields,
    message: `${message}; behind a pooler that shares its connections ` +
      "between transactions, connect with prepare: false",
  }, { cause: error });
}

function fieldsOf(error: ServerError): PostgresErrorFields {
  const { code, message, position } = error;
  return {
    ...error,
    sqlState: code,
    message,
    position: position === undefined ? undefined : Number(position),
  };
}

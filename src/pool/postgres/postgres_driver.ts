/** The result of a statement. */
export interface PostgresResult {
  /** The rows it returned, by column name. */
  rows: Record<string, unknown>[];
  /** The number of rows that were written, or else read. */
  affectedRows: number;
}

/** Circumstances in which a {@linkcode PostgresDriver} connects. */
export interface PostgresConnectContext {
  /** Aborts when nobody waits for the connection any more. */
  signal: AbortSignal;
  /** To be called once when the connection ends, whoever ended it. */
  onClose: (connection: PostgresConnection) => void;
}

/**
 * One connection, as a driver offers it to a `PostgresPool`. It is asked for
 * one statement at a time. Its failures are `PostgresError` when the server
 * refused a statement, `PostgresConnectionError` when the connection is gone.
 */
export interface PostgresConnection {
  /** `broken` once it can't be used again. */
  readonly state: "idle" | "transaction" | "broken";
  /** Runs one statement; settles when the server is ready for the next. */
  query(
    text: string,
    params: readonly unknown[],
    prepare: boolean,
  ): Promise<PostgresResult>;
  /** Runs several statements, separated by semicolons. */
  script(text: string): Promise<void>;
  /**
   * Asks the server to end what is running. Resolves when it has been asked,
   * and can't be mistaken for asking about a later statement any more.
   */
  cancel(): Promise<void>;
  /** Says goodbye. */
  close(): Promise<void>;
  /** Ends at once; what is running is rejected. */
  destroy(): void;
}

/** A client for a `PostgresPool` to stand on. */
export interface PostgresDriver {
  /** The client that it stands on, such as "pg". */
  readonly name: string;
  /** The number of connections that it can have at once. */
  readonly maxConnections: number;
  /**
   * Opens one connection.
   *
   * @throws {PostgresConnectionError} when the server can't be reached or
   * refuses.
   */
  connect(context: PostgresConnectContext): Promise<PostgresConnection>;
  /** Called once, when the pool has closed all connections. */
  close(): Promise<void>;
}

/** Settings of a driver of Sluice's own. */
export interface PostgresDriverSettings {
  url: string;
  ssl: PostgresSsl | boolean | undefined;
  applicationName: string;
  statementCacheSize: number;
}

/** Encryption of a connection. */
export interface PostgresSsl {
  /** Certificates to trust, in PEM, instead of the well-known ones. */
  ca?: string;
  /** The client's certificate, in PEM. */
  cert?: string;
  /** The key of the client's certificate, in PEM. */
  key?: string;
  /**
   * Ends the connection over a certificate that can't be verified.
   * @default true
   */
  rejectUnauthorized?: boolean;
  /** The name the certificate must have, if not the host's. */
  servername?: string;
}

import { Buffer } from "node:buffer";
import type { PgClient, PgModule, PgValue } from "./pg_module.ts";
import { PgStatementCache } from "./pg_statement_cache.ts";
import {
  type PgDecoders,
  type PgErrorListener,
  PgPrepared,
  type PgRequest,
  PgScript,
  PgStatement,
} from "./pg_statement.ts";
import type { PostgresConnection, PostgresResult } from "./postgres_driver.ts";
import {
  connectionLost,
  isServerError,
  PostgresError,
  type ServerError,
  toPostgresError,
} from "./postgres_errors.ts";
import { encodeParameter } from "./postgres_values.ts";

/** What a {@linkcode PgConnection} shares with the others of its driver. */
export interface PgConnectionSettings {
  pg: PgModule;
  decoders: PgDecoders;
  statementCacheSize: number;
  onClose: (connection: PgConnection) => void;
}

/** A connection of `npm:pg`. */
export class PgConnection implements PostgresConnection {
  readonly #settings: PgConnectionSettings;
  readonly #client: PgClient;
  readonly #statements: PgStatementCache;
  #lost: Error | undefined;
  /** Refused by the server, which isn't ready for the next one yet. */
  #refused: {
    request: Parameters<PgErrorListener>[0];
    error: PostgresError;
  } | undefined;

  /** @param client Connected. */
  constructor(client: PgClient, settings: PgConnectionSettings) {
    this.#client = client;
    this.#settings = settings;
    this.#statements = new PgStatementCache(settings.statementCacheSize);
    client.connection.on("readyForQuery", () => this.#finishRefused());
    client.on("error", (error) => this.#lost ??= error);
    client.on("end", () => this.#end());
  }

  get state(): "idle" | "transaction" | "broken" {
    if (this.#lost !== undefined) return "broken";
    return this.#client.getTransactionStatus() === "I" ? "idle" : "transaction";
  }

  async query(
    text: string,
    params: readonly unknown[],
    prepare: boolean,
  ): Promise<PostgresResult> {
    const values = params.map(toWire);
    const prepared = prepare
      ? this.#statements.get(text)
      : new PgPrepared("", text);
    const wasReady = prepared.isReady;
    try {
      return await this.#run(prepared, values);
    } catch (error) {
      if (!wasReady || !isStale(error)) throw error;
      prepared.isReady = false;
      if (this.state !== "idle") throw error;
      return await this.#run(prepared, values);
    }
  }

  script(text: string): Promise<void> {
    return this.#submit(new PgScript(text, this.#refuse));
  }

  cancel(): Promise<void> {
    const { host, port, ssl, processID, secretKey } = this.#client;
    const wire = new this.#settings.pg.Connection({ ssl });
    return new Promise((resolve, reject) => {
      const send = () => wire.cancel(processID, secretKey);
      wire.on("connect", () => ssl ? wire.requestSsl() : send());
      wire.on("sslconnect", send);
      wire.on("end", resolve);
      wire.on("error", reject);
      if (host.startsWith("/")) wire.connect(`${host}/.s.PGSQL.${port}`);
      else wire.connect(port, host);
    });
  }

  close(): Promise<void> {
    this.#lost ??= new Error("the connection has been closed");
    return this.#client.end();
  }

  destroy(): void {
    this.#lost ??= new Error("the connection has been given up");
    this.#client.connection.stream.destroy();
  }

  #run(prepared: PgPrepared, values: PgValue[]): Promise<PostgresResult> {
    const { decoders } = this.#settings;
    const forget = this.#statements.overflow();
    return this.#submit(
      new PgStatement({
        prepared,
        values,
        decoders,
        forget,
        onError: this.#refuse,
      }),
    );
  }

  #submit<R>(request: PgRequest<R>): Promise<R> {
    if (this.#lost !== undefined) request.reject(connectionLost(this.#lost));
    else this.#client.query(request);
    return request.done;
  }

  /** The server is ready for the next statement only some messages later. */
  readonly #refuse: PgErrorListener = (request, error) => {
    if (isServerError(error)) {
      this.#refused = { request, error: toPostgresError(error) };
    } else {
      this.#lost ??= error;
      request.reject(connectionLost(error));
    }
  };

  #finishRefused(): void {
    const refused = this.#refused;
    this.#refused = undefined;
    refused?.request.reject(refused.error);
  }

  /** What was refused last is why the server has hung up. */
  #end(): void {
    const refused = this.#refused;
    this.#lost = refused?.error ?? this.#lost ??
      new Error("the server hung up");
    this.#refused = undefined;
    refused?.request.reject(connectionLost(refused.error));
    this.#settings.onClose(this);
  }
}

/** Whether it says that the server's prepared statement is gone or out of date. */
function isStale(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false;
  return error.sqlState === "26000" || error.sqlState === "0A000" &&
      (error.cause as ServerError).routine === "RevalidateCachedQuery";
}

function toWire(value: unknown): PgValue {
  const encoded = encodeParameter(value);
  if (encoded === null || typeof encoded === "string") return encoded;
  return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

import { Buffer } from "node:buffer";
import {
  PgPrepared,
  PgRun,
  PgStatementCache,
  sendStatement,
} from "./pg_statement.ts";
import type { PgMessages, PgValue, PgWire } from "./pg_wire.ts";
import type { PostgresConnection, PostgresResult } from "./postgres_driver.ts";
import {
  connectionLost,
  PostgresError,
  type ServerError,
  toPostgresError,
  toStatementGone,
} from "./postgres_errors.ts";
import type { PostgresTypes } from "./postgres_types.ts";
import { encodeParameter } from "./postgres_values.ts";

/** Settings of a {@linkcode PgConnection}, by its driver. */
export interface PgConnectionSettings {
  types: PostgresTypes;
  statementCacheSize: number;
  /** Asks the server, by another way, to end what runs. */
  cancel: () => Promise<void>;
  onClose: (connection: PgConnection) => void;
}

/** A connection that speaks PostgreSQL's protocol by `pg`'s wire. */
export class PgConnection implements PostgresConnection {
  readonly #wire: PgWire;
  readonly #settings: PgConnectionSettings;
  readonly #statements: PgStatementCache;
  readonly #ended = Promise.withResolvers<void>();
  #status: PgMessages["readyForQuery"]["status"] = "I";
  #running: PgRun | undefined;
  #lost: Error | undefined;
  /** Tells that a prepared statement was gone, as it may be behind a pooler. */
  #serverForgets = false;

  /** @param wire Connected, ready for a statement, and nobody else's. */
  constructor(wire: PgWire, settings: PgConnectionSettings) {
    this.#wire = wire;
    this.#settings = settings;
    this.#statements = new PgStatementCache(settings.statementCacheSize);
    this.#listen(wire);
  }

  get state(): "idle" | "transaction" | "broken" {
    if (this.#lost !== undefined) return "broken";
    return this.#status === "I" ? "idle" : "transaction";
  }

  /** Tells that a statement runs, or a transaction is open. */
  get isBusy(): boolean {
    return this.#running !== undefined || this.state === "transaction";
  }

  /** Resolves when the connection has come to its end. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async query(
    text: string,
    params: readonly unknown[],
    prepare: boolean,
  ): Promise<PostgresResult> {
    const values = params.map(toWire);
    const prepared = prepare && !this.#serverForgets
      ? this.#statements.get(text)
      : new PgPrepared("", text);
    const wasReady = prepared.isReady;
    let result: PostgresResult;
    try {
      result = await this.#run(prepared, values);
    } catch (error) {
      if (!wasReady || !isStale(error)) throw error;
      prepared.isReady = false;
      const isGone = error.sqlState === GONE;
      this.#serverForgets ||= isGone;
      if (this.state !== "idle") {
        throw isGone ? toStatementGone(error.cause as ServerError) : error;
      }
      result = await this.#run(prepared, values);
    }
    if (prepared.unread.length > 0) await this.#readNew(prepared, result);
    return result;
  }

  async script(text: string): Promise<void> {
    await this.#start(new PgRun(), () => this.#wire.query(text));
  }

  cancel(): Promise<void> {
    return this.#settings.cancel();
  }

  close(): Promise<void> {
    const isQuiet = this.#running === undefined && this.#lost === undefined;
    this.#lost ??= new Error("the connection has been closed");
    if (isQuiet) this.#wire.end();
    else this.#wire.stream.destroy();
    return this.#ended.promise;
  }

  destroy(): void {
    this.#lost ??= new Error("the connection has been given up");
    this.#wire.stream.destroy();
  }

  #run(prepared: PgPrepared, values: PgValue[]): Promise<PostgresResult> {
    const forget = this.#statements.overflow();
    return this.#start(
      new PgRun(prepared),
      () => sendStatement(this.#wire, prepared, values, forget),
    );
  }

  /** Reads what came of types that have not been met before. */
  async #readNew(prepared: PgPrepared, result: PostgresResult): Promise<void> {
    const { types } = this.#settings;
    const fields = prepared.unread;
    await types.read(
      result,
      fields,
      (text, params) => this.query(text, params, false),
    );
    for (const field of fields) field.decode = types.decoderOf(field.typeId);
    prepared.unread = [];
  }

  #start(run: PgRun, send: () => void): Promise<PostgresResult> {
    if (this.#lost !== undefined) run.done.reject(connectionLost(this.#lost));
    else {
      this.#running = run;
      send();
    }
    return run.done.promise;
  }

  #listen(wire: PgWire): void {
    const { types } = this.#settings;
    wire.on("rowDescription", (it) => this.#running?.takeFields(it, types));
    wire.on("dataRow", (row) => this.#running?.takeRow(row));
    wire.on("commandComplete", (it) => this.#running?.takeCount(it));
    wire.on("copyInResponse", () => this.#running?.refuseCopyIn(wire));
    wire.on("copyData", () => this.#running?.refuseCopyOut());
    wire.on("errorMessage", (error) => this.#refuse(error as ServerError));
    wire.on("readyForQuery", ({ status }) => this.#finish(status));
    wire.on("error", (error) => this.#lost ??= error);
    wire.on("end", () => this.#end());
  }

  #refuse(error: ServerError): void {
    const refusal = toPostgresError(error);
    if (this.#running !== undefined) this.#running.refusal = refusal;
    else this.#lost ??= refusal;
  }

  #finish(status: PgMessages["readyForQuery"]["status"]): void {
    this.#status = status;
    const run = this.#running;
    this.#running = undefined;
    run?.finish();
  }

  /** Takes what was refused last for the reason why the server has hung up. */
  #end(): void {
    const run = this.#running;
    this.#running = undefined;
    this.#lost = run?.refusal ?? this.#lost ?? new Error("the server hung up");
    run?.done.reject(connectionLost(this.#lost));
    this.#ended.resolve();
    this.#settings.onClose(this);
  }
}

const GONE = "26000";

/** Tells that the server's prepared statement is gone or out of date. */
function isStale(error: unknown): error is PostgresError {
  if (!(error instanceof PostgresError)) return false;
  return error.sqlState === GONE || error.sqlState === "0A000" &&
      (error.cause as ServerError).routine === "RevalidateCachedQuery";
}

function toWire(value: unknown, index: number): PgValue {
  const encoded = encodeParameter(value, index);
  if (encoded === null || typeof encoded === "string") return encoded;
  return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

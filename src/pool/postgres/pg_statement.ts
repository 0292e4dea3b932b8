import type { PgMessages, PgValue, PgWire } from "./pg_wire.ts";
import type { PostgresResult } from "./postgres_driver.ts";
import type { PostgresError } from "./postgres_errors.ts";
import type { Decode, PostgresTypes, TypedColumn } from "./postgres_types.ts";

/** A column of a result. */
export interface PgField extends TypedColumn {
  decode: Decode | undefined;
}

/** A statement that a connection's server knows, or will know, by its name. */
export class PgPrepared {
  fields: PgField[] = [];
  /** Those of them whose type has not been met before: they are text so far. */
  unread: PgField[] = [];
  /** Tells that the server has it for certain. */
  isReady = false;
  /** Tells that the server may have it. */
  wasSent = false;

  constructor(readonly name: string, readonly text: string) {}
}

/**
 * The statements that one connection has prepared: the most recent ones. Behind
 * a pooler others' have the same server, so their names can't be guessed.
 */
export class PgStatementCache {
  readonly #prefix = `sluice_${crypto.randomUUID().slice(0, 23)}`;
  readonly #maxSize: number;
  readonly #statements = new Map<string, PgPrepared>();
  #made = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get(text: string): PgPrepared {
    const statement = this.#statements.get(text) ??
      new PgPrepared(`${this.#prefix}_${++this.#made}`, text);
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    return statement;
  }

  /** Takes out the statement that was used least recently, if there are too many. */
  overflow(): PgPrepared | undefined {
    if (this.#statements.size <= this.#maxSize) return undefined;
    const [oldest] = this.#statements.values();
    this.#statements.delete(oldest.text);
    return oldest;
  }
}

/**
 * One run of a statement, or of a script, and what has come of it so far.
 * `pg`'s own `Query` has the result described anew each time and goes through
 * several layers; this asks once per statement, which makes 32 callers a fifth
 * faster.
 */
export class PgRun {
  readonly done: PromiseWithResolvers<PostgresResult> = Promise.withResolvers();
  /** The server's words against it; it is ready for the next only later. */
  refusal: PostgresError | undefined;
  readonly #prepared: PgPrepared | undefined;
  readonly #rows: Record<string, unknown>[] = [];
  #affectedRows = 0;
  #failure: { error: unknown } | undefined;

  /** @param prepared None for a script, whose results nobody wants. */
  constructor(prepared?: PgPrepared) {
    this.#prepared = prepared;
  }

  takeFields(
    { fields }: PgMessages["rowDescription"],
    types: PostgresTypes,
  ): void {
    if (this.#prepared === undefined) return;
    this.#prepared.fields = fields.map(({ name, dataTypeID: typeId }) => ({
      name,
      typeId,
      decode: types.decoderOf(typeId),
    }));
    this.#prepared.unread = this.#prepared.fields
      .filter(({ decode }) => decode === undefined);
  }

  takeRow({ fields: texts }: PgMessages["dataRow"]): void {
    if (this.#prepared === undefined || this.#failure !== undefined) return;
    const { fields } = this.#prepared;
    const row: Record<string, unknown> = {};
    try {
      for (let i = 0; i < texts.length; i++) {
        const text = texts[i];
        const { name, decode } = fields[i];
        row[name] = text === null || decode === undefined ? text : decode(text);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#rows.push(row);
  }

  takeCount({ text }: PgMessages["commandComplete"]): void {
    this.#affectedRows = Number(text.slice(text.lastIndexOf(" ") + 1)) || 0;
  }

  refuseCopyIn(wire: PgWire): void {
    wire.sendCopyFail("COPY FROM STDIN is not supported");
    if (this.#prepared !== undefined) wire.sync();
  }

  refuseCopyOut(): void {
    if (this.#prepared === undefined) return;
    this.#failure ??= { error: new Error("COPY TO STDOUT is not supported") };
  }

  /** The server is ready for the next. */
  finish(): void {
    if (this.refusal !== undefined) return this.done.reject(this.refusal);
    if (this.#prepared !== undefined) this.#prepared.isReady = true;
    if (this.#failure !== undefined) this.done.reject(this.#failure.error);
    else {
      this.done.resolve({ rows: this.#rows, affectedRows: this.#affectedRows });
    }
  }
}

/**
 * Sends a statement, all in one piece.
 *
 * @param forget A statement to forget on the way, so that there are never too
 * many.
 */
export function sendStatement(
  wire: PgWire,
  prepared: PgPrepared,
  values: PgValue[],
  forget: PgPrepared | undefined,
): void {
  const { name, text } = prepared;
  wire.stream.cork();
  if (forget !== undefined) wire.close({ type: "S", name: forget.name });
  if (!prepared.isReady) {
    if (prepared.wasSent) wire.close({ type: "S", name });
    prepared.wasSent = true;
    prepared.fields = [];
    wire.parse({ name, text });
    wire.describe({ type: "S", name });
  }
  wire.bind({ statement: name, values });
  wire.execute({});
  wire.sync();
  wire.stream.uncork();
}

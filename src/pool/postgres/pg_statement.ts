import type { PgValue, PgWire } from "./pg_module.ts";
import type { PostgresResult } from "./postgres_driver.ts";

/** A column of a result, and how its text is read. */
export interface PgField {
  readonly name: string;
  readonly decode: (text: string) => unknown;
}

/** Reads the text of a type. */
export type PgDecoders = (typeId: number) => (text: string) => unknown;

/** A statement that a connection's server knows, or will know, by its name. */
export class PgPrepared {
  fields: PgField[] = [];
  /** Whether the server has it for certain. */
  isReady = false;
  /** Whether the server may have it. */
  wasSent = false;

  constructor(readonly name: string, readonly text: string) {}
}

/** Takes the error of a request that is to be rejected sooner or later. */
export type PgErrorListener = (
  request: { reject(error: unknown): void },
  error: Error,
) => void;

/** What `pg` calls while a request runs, and who learns what came of it. */
export abstract class PgRequest<R> {
  readonly #settle: PromiseWithResolvers<R> = Promise.withResolvers();
  readonly #onError: PgErrorListener;

  constructor(onError: PgErrorListener) {
    this.#onError = onError;
  }

  get done(): Promise<R> {
    return this.#settle.promise;
  }

  abstract submit(wire: PgWire): Error | null;
  abstract handleReadyForQuery(): void;

  protected resolve(result: R): void {
    this.#settle.resolve(result);
  }

  reject(error: unknown): void {
    this.#settle.reject(error);
  }

  handleError(error: Error): void {
    this.#onError(this, error);
  }

  handleCopyInResponse(wire: PgWire): void {
    wire.sendCopyFail("COPY FROM STDIN is not supported");
    wire.sync();
  }

  handleRowDescription(_message: PgRowDescription): void {}
  handleDataRow(_message: PgDataRow): void {}
  handleCommandComplete(_message: { text: string }): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}
}

interface PgRowDescription {
  fields: { name: string; dataTypeID: number }[];
}

interface PgDataRow {
  fields: (string | null)[];
}

/** What a {@linkcode PgStatement} runs. */
export interface PgStatementOptions {
  prepared: PgPrepared;
  values: PgValue[];
  decoders: PgDecoders;
  /** A statement to forget on the way, so that there are never too many. */
  forget: PgPrepared | undefined;
  onError: PgErrorListener;
}

/**
 * One run of a statement. `pg`'s own `Query` describes the result anew each
 * time and goes through several layers; this asks once per statement, which
 * makes 32 callers a fifth faster.
 */
export class PgStatement extends PgRequest<PostgresResult> {
  readonly #options: PgStatementOptions;
  readonly #rows: Record<string, unknown>[] = [];
  #affectedRows = 0;
  #failure: { error: unknown } | undefined;

  constructor(options: PgStatementOptions) {
    super(options.onError);
    this.#options = options;
  }

  submit(wire: PgWire): null {
    const { prepared, values, forget } = this.#options;
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
    return null;
  }

  override handleRowDescription({ fields }: PgRowDescription): void {
    const { prepared, decoders } = this.#options;
    prepared.fields = fields.map(({ name, dataTypeID }) => ({
      name,
      decode: decoders(dataTypeID),
    }));
  }

  override handleDataRow({ fields: texts }: PgDataRow): void {
    if (this.#failure !== undefined) return;
    const { fields } = this.#options.prepared;
    const row: Record<string, unknown> = {};
    try {
      for (let i = 0; i < texts.length; i++) {
        const text = texts[i];
        row[fields[i].name] = text === null ? null : fields[i].decode(text);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#rows.push(row);
  }

  override handleCommandComplete({ text }: { text: string }): void {
    this.#affectedRows = Number(text.slice(text.lastIndexOf(" ") + 1)) || 0;
  }

  override handleCopyData(): void {
    this.#failure ??= { error: new Error("COPY TO STDOUT is not supported") };
  }

  override handleReadyForQuery(): void {
    this.#options.prepared.isReady = true;
    if (this.#failure !== undefined) this.reject(this.#failure.error);
    else this.resolve({ rows: this.#rows, affectedRows: this.#affectedRows });
  }
}

/** Several statements in one text, whose results nobody wants. */
export class PgScript extends PgRequest<void> {
  readonly #text: string;

  constructor(text: string, onError: PgErrorListener) {
    super(onError);
    this.#text = text;
  }

  submit(wire: PgWire): null {
    wire.query(this.#text);
    return null;
  }

  override handleCopyInResponse(wire: PgWire): void {
    wire.sendCopyFail("COPY FROM STDIN is not supported");
  }

  override handleReadyForQuery(): void {
    this.resolve();
  }
}

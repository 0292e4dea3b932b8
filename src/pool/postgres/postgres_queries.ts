import {
  checkGiven,
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { QUERY_OPTIONS, type QueryOptions } from "./command_guard.ts";
import type { PostgresResult } from "./postgres_driver.ts";
import { PostgresParameterError } from "./postgres_errors.ts";

/** A row, by column name. */
export type PostgresRow = Record<string, unknown>;

/** Options of a stream. */
export interface StreamOptions extends QueryOptions {
  /**
   * The number of rows that are fetched, and held in memory, at a time.
   * @default 500
   */
  batchSize?: number;
}

const STREAM_OPTIONS = {
  ...QUERY_OPTIONS,
  batchSize: option.integer(500, 1),
} satisfies OptionRules<StreamOptions>;

/** Runs a statement on one connection. */
export type RunStatement = (
  text: string,
  params: readonly unknown[],
  options: QueryOptions,
) => Promise<PostgresResult>;

/** The transaction that a cursor lives in. */
export interface CursorScope {
  run: RunStatement;
  end(): Promise<void>;
}

/**
 * The ways to ask PostgreSQL something, the same on a pool, a session and a
 * transaction. Parameters stand as `$1`, `$2` … in the text; an array is one
 * parameter (`id = ANY($1)`). Statements are prepared by themselves.
 *
 * A parameter is text, a number, a boolean, a Date, bytes (`Uint8Array`), an
 * array of them, a plain object (as JSON), or what has a `toJSON`.
 *
 * An `int8` is read as a number where that is exact, else as its digits; floats
 * as numbers, else as `NaN`, `Infinity` or `-Infinity` in words; a `timestamp`
 * as a Date, taken for UTC, an infinite one in words; JSON as what it says, and
 * of a number that would lose its value there (`1e400`) its digits; an array as
 * its elements are. All else is text as PostgreSQL writes it: a `date` as
 * `YYYY-MM-DD`, `numeric`, intervals, ranges, enums.
 */
export abstract class PostgresQueries {
  /**
   * All rows of a statement.
   *
   * @throws {PostgresError} when the server refuses it.
   * @throws {PostgresConnectionError} when the connection is lost.
   * @throws {PostgresParameterError} when a parameter has no form.
   * @throws {TimeoutError} after `timeoutMs`, or with no free connection in time.
   */
  async query<Row = PostgresRow>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<Row[]> {
    return (await this.#ask(text, params, options)).rows as Row[];
  }

  /** The first row, if there is one. Throws as {@linkcode query} does. */
  async queryOne<Row = PostgresRow>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<Row | undefined> {
    return (await this.#ask(text, params, options)).rows[0] as Row | undefined;
  }

  /**
   * The first column of the first row, if there is one. Throws as
   * {@linkcode query} does.
   */
  async queryValue<Value = unknown>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<Value | undefined> {
    const { rows: [row] } = await this.#ask(text, params, options);
    for (const column in row) return row[column] as Value;
    return undefined;
  }

  /** The number of rows a statement wrote. Throws as {@linkcode query} does. */
  async execute(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<number> {
    return (await this.#ask(text, params, options)).affectedRows;
  }

  /**
   * The rows of a query, a batch at a time, so that any number of them takes
   * the memory of one batch; in a transaction, other statements may run
   * meanwhile. Leaving the loop early closes the cursor.
   *
   * @throws {PostgresError} when the server refuses it.
   */
  async *stream<Row = PostgresRow>(
    text: string,
    params: readonly unknown[] = [],
    options: StreamOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    checkParams(params);
    const read = readOptions("stream", options, STREAM_OPTIONS);
    const { run, end } = await this.openScope(read);
    try {
      yield* readByCursor(run, text, params, read) as AsyncGenerator<Row>;
    } finally {
      await end();
    }
  }

  #ask(
    text: string,
    params: readonly unknown[],
    options: QueryOptions,
  ): Promise<PostgresResult> {
    checkParams(params);
    checkGiven("query", options, QUERY_OPTIONS);
    return this.run(text, params, options);
  }

  /** Runs a statement. */
  protected abstract run(
    text: string,
    params: readonly unknown[],
    options: QueryOptions,
  ): Promise<PostgresResult>;

  /**
   * Finds or begins the transaction that a stream's cursor lives in.
   * @internal
   */
  protected abstract openScope(options: StreamOptions): Promise<CursorScope>;
}

function checkParams(params: unknown): void {
  if (Array.isArray(params)) return;
  throw new PostgresParameterError(
    `the parameters must be an array, got ${quote(params)}: ` +
      "a single one is an array of one",
  );
}

let cursors = 0;

/** Reads by a cursor of SQL: every driver can, and others may ask meanwhile. */
async function* readByCursor(
  run: RunStatement,
  text: string,
  params: readonly unknown[],
  { batchSize, ...options }: StreamOptions & { batchSize: number },
): AsyncGenerator<PostgresRow, void, undefined> {
  const cursor = `sluice_cursor_${++cursors}`;
  const once = { ...options, prepare: false };
  await run(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`, params, once);
  const fetch = `FETCH FORWARD ${batchSize} FROM ${cursor}`;
  let isOpen = true;
  try {
    for (;;) {
      isOpen = false;
      const { rows } = await run(fetch, [], once);
      isOpen = true;
      yield* rows;
      if (rows.length < batchSize) break;
    }
  } finally {
    if (isOpen) await run(`CLOSE ${cursor}`, [], { prepare: false });
  }
}

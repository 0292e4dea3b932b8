import { checkInteger } from "../../base/options.ts";
import type { PostgresResult } from "./postgres_driver.ts";
import type { PostgresRow, StreamOptions } from "./postgres_queries.ts";

/** Runs a statement on one connection, inside a transaction. */
export type RunInTransaction = (
  text: string,
  params: readonly unknown[],
  options: StreamOptions,
) => Promise<PostgresResult>;

let cursors = 0;

/**
 * The rows of a query, a batch at a time, by a cursor of SQL: it works with
 * every driver, and other statements may run between its batches.
 */
export async function* readByCursor(
  run: RunInTransaction,
  text: string,
  params: readonly unknown[],
  options: StreamOptions,
): AsyncGenerator<PostgresRow, void, undefined> {
  const batchSize = checkInteger("batchSize", options.batchSize ?? 500, 1);
  const cursor = `sluice_cursor_${++cursors}`;
  const once = { ...options, prepare: false };
  await run(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`, params, once);
  let isOpen = true;
  try {
    for (;;) {
      isOpen = false;
      const { rows } = await run(
        `FETCH FORWARD ${batchSize} FROM ${cursor}`,
        [],
        once,
      );
      isOpen = true;
      yield* rows;
      if (rows.length < batchSize) break;
    }
  } finally {
    if (isOpen) await run(`CLOSE ${cursor}`, [], { prepare: false });
  }
}

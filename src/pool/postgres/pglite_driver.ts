import { PgConnection } from "./pg_connection.ts";
import { loadPg, type PgModule } from "./pg_wire.ts";
import { PgliteThread } from "./pglite_thread.ts";
import type {
  PostgresConnectContext,
  PostgresConnection,
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import { connectionRefused } from "./postgres_errors.ts";
import { PostgresTypes } from "./postgres_types.ts";

/**
 * PostgreSQL itself, in a thread of this process, on one connection. Its
 * statements can't be cancelled: one that is given up runs to its end.
 */
export class PgliteDriver implements PostgresDriver {
  readonly name = "pglite";
  readonly maxConnections = 1;
  readonly #pg: PgModule;
  readonly #thread: PgliteThread;
  readonly #types = new PostgresTypes();
  readonly #statementCacheSize: number;

  private constructor(
    pg: PgModule,
    thread: PgliteThread,
    statementCacheSize: number,
  ) {
    this.#pg = pg;
    this.#thread = thread;
    this.#statementCacheSize = statementCacheSize;
  }

  static async load(
    { url, statementCacheSize }: PostgresDriverSettings,
  ): Promise<PgliteDriver> {
    const pg = await loadPg();
    try {
      const thread = await PgliteThread.open(url);
      return new PgliteDriver(pg, thread, statementCacheSize);
    } catch (error) {
      throw connectionRefused(error as Error);
    }
  }

  connect({ onClose }: PostgresConnectContext): Promise<PostgresConnection> {
    const wire = new this.#pg.Connection({ stream: this.#thread.connect() });
    wire.connect(0);
    const connection = new PgConnection(wire, {
      types: this.#types,
      statementCacheSize: this.#statementCacheSize,
      cancel: () => Promise.resolve(),
      onClose,
    });
    return Promise.resolve(connection);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

import type {
  PostgresConnectContext,
  PostgresConnection,
  PostgresDriver,
  PostgresDriverSettings,
  PostgresResult,
} from "./postgres_driver.ts";
import {
  connectionRefused,
  isServerError,
  toPostgresError,
} from "./postgres_errors.ts";
import {
  decodeInt8,
  decodeTimestamp,
  encodeParameter,
  typeIds,
} from "./postgres_values.ts";

/** What Sluice uses of `npm:@electric-sql/pglite`. */
interface Pglite {
  readonly waitReady: Promise<void>;
  query(
    text: string,
    params: unknown[],
    options: object,
  ): Promise<{ rows: Record<string, unknown>[]; affectedRows?: number }>;
  exec(text: string): Promise<unknown>;
  execProtocol(
    message: Uint8Array,
  ): Promise<{ messages: { name: string; status?: "I" | "T" | "E" }[] }>;
  close(): Promise<void>;
}

/** The protocol's Sync, which is answered with ReadyForQuery and its status. */
const sync = Uint8Array.of("S".charCodeAt(0), 0, 0, 0, 4);

const options = {
  parsers: {
    [typeIds.int8]: decodeInt8,
    [typeIds.date]: (text: string) => text,
    [typeIds.timestamp]: decodeTimestamp,
  },
};

/**
 * PostgreSQL itself, in this process, on one connection. A statement holds the
 * whole process up, so none can be cancelled. It reads a NULL inside an array
 * as the text "NULL".
 */
export class PgliteDriver implements PostgresDriver {
  readonly name = "pglite";
  readonly maxConnections = 1;
  readonly #database: Pglite;

  private constructor(database: Pglite) {
    this.#database = database;
  }

  static async load({ url }: PostgresDriverSettings): Promise<PgliteDriver> {
    const { PGlite } = await import("@electric-sql/pglite");
    return new PgliteDriver(await opened(new PGlite(url)));
  }

  connect({ onClose }: PostgresConnectContext): Promise<PostgresConnection> {
    return Promise.resolve(new PgliteConnection(this.#database, onClose));
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/**
 * PGlite reads files of its own, and where it may not, leaves a promise behind
 * that nobody looks at: it would end the process.
 */
async function opened(database: Pglite): Promise<Pglite> {
  const onRejection = (event: PromiseRejectionEvent) => {
    const { name, message } = Object(event.reason);
    if (name === "NotCapable" && /pglite/.test(message)) event.preventDefault();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  try {
    await database.waitReady;
    return database;
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve)); // such events come last
    throw connectionRefused(error as Error);
  } finally {
    globalThis.removeEventListener("unhandledrejection", onRejection);
  }
}

class PgliteConnection implements PostgresConnection {
  readonly #database: Pglite;
  readonly #onClose: (connection: PostgresConnection) => void;
  #isInTransaction = false;
  #isClosed = false;

  constructor(
    database: Pglite,
    onClose: (connection: PostgresConnection) => void,
  ) {
    this.#database = database;
    this.#onClose = onClose;
  }

  get state(): "idle" | "transaction" | "broken" {
    if (this.#isClosed) return "broken";
    return this.#isInTransaction ? "transaction" : "idle";
  }

  async query(
    text: string,
    params: readonly unknown[],
  ): Promise<PostgresResult> {
    const values = params.map(checked);
    const { rows, affectedRows = 0 } = await this.#run(
      this.#database.query(text, values, options),
    );
    return { rows, affectedRows };
  }

  async script(text: string): Promise<void> {
    await this.#run(this.#database.exec(text));
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * The database lives on; what a session leaves behind does not. PGlite begins
   * by setting a `search_path`, without which no table is found.
   */
  async close(): Promise<void> {
    this.destroy();
    await this.#database.exec("ROLLBACK");
    await this.#database.exec("DISCARD ALL");
    await this.#database.exec("SET search_path TO public");
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose(this);
  }

  async #run<R>(statement: Promise<R>): Promise<R> {
    try {
      return await translated(statement);
    } finally {
      await this.#learnState();
    }
  }

  /** A fifteenth of what a statement costs, and no guess. */
  async #learnState(): Promise<void> {
    const { messages } = await this.#database.execProtocol(sync);
    this.#isInTransaction = messages.at(-1)?.status !== "I";
  }
}

/** PGlite writes values by itself, and is as strict as the others once checked. */
function checked(value: unknown): unknown {
  encodeParameter(value);
  return value === undefined ? null : value;
}

async function translated<R>(work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    throw isServerError(error as Error)
      ? toPostgresError(error as never)
      : error;
  }
}

import { deadline } from "../../base/deadline.ts";
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

/** How long what is in flight may take when the database is closed. */
const MAX_CLOSE_WAIT_MS = 30_000;

/** Where a database lives. */
interface PgliteHome {
  pg: PgModule;
  thread: PgliteThread;
  /** Keeps others out of its folder, if it has one. */
  lock: Deno.FsFile | undefined;
}

/**
 * PostgreSQL itself, in a thread of this process, on one connection. Its
 * statements can't be cancelled: one that is given up runs to its end.
 */
export class PgliteDriver implements PostgresDriver {
  readonly name = "pglite";
  readonly maxConnections = 1;
  readonly #home: PgliteHome;
  readonly #statementCacheSize: number;
  readonly #types = new PostgresTypes();
  #connection: PgConnection | undefined;

  private constructor(home: PgliteHome, statementCacheSize: number) {
    this.#home = home;
    this.#statementCacheSize = statementCacheSize;
  }

  static async load(
    { url, statementCacheSize }: PostgresDriverSettings,
  ): Promise<PgliteDriver> {
    try {
      return new PgliteDriver(await openHome(url), statementCacheSize);
    } catch (error) {
      throw connectionRefused(error as Error);
    }
  }

  connect({ onClose }: PostgresConnectContext): Promise<PostgresConnection> {
    const { pg, thread } = this.#home;
    const wire = new pg.Connection({ stream: thread.connect() });
    wire.connect(0);
    this.#connection = new PgConnection(wire, {
      types: this.#types,
      statementCacheSize: this.#statementCacheSize,
      cancel: () => Promise.resolve(),
      onClose,
    });
    return Promise.resolve(this.#connection);
  }

  /** Lets a statement that runs, or a transaction, come to its end first. */
  async close(): Promise<void> {
    const connection = this.#connection;
    if (connection?.isBusy) {
      await deadline(() => connection.ended, MAX_CLOSE_WAIT_MS).catch(() => {});
    }
    await this.#home.thread.close();
    this.#home.lock?.close();
  }
}

async function openHome(url: string): Promise<PgliteHome> {
  const folder = /^file:(?:\/\/)?(.+)/.exec(url)?.[1];
  const pg = await loadPg();
  const lock = folder === undefined ? undefined : await lockFolder(folder);
  try {
    const place = folder === undefined ? "memory://" : `file://${folder}`;
    return { pg, thread: await PgliteThread.open(place), lock };
  } catch (error) {
    lock?.close();
    throw error;
  }
}

/**
 * Keeps a folder to oneself for as long as the file it gives is open; a process
 * that dies lets go of it.
 *
 * @throws when another process, or another database of this one, has it.
 */
async function lockFolder(folder: string): Promise<Deno.FsFile> {
  await Deno.mkdir(folder, { recursive: true });
  const file = await openToLock(folder);
  if (await file.tryLock(true)) return file;
  file.close();
  throw new Error(
    `the database in ${folder} is in use by another process, or pool of this one`,
  );
}

/** PostgreSQL wants an empty folder to begin with; Windows opens files alone. */
function openToLock(folder: string): Promise<Deno.FsFile> {
  return Deno.build.os === "windows"
    ? Deno.open(`${folder}.lock`, { create: true, write: true })
    : Deno.open(folder);
}

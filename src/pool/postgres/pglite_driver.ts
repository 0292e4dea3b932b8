import { deadline } from "../../base/deadline.ts";
import { PgConnection } from "./pg_connection.ts";
import { loadPg } from "./pg_wire.ts";
import { PgliteThread } from "./pglite_thread.ts";
import type {
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import { connectionRefused } from "./postgres_errors.ts";
import { PostgresTypes } from "./postgres_types.ts";

/** The time that what is in flight has when the database is closed. */
const MAX_CLOSE_WAIT_MS = 30_000;

/**
 * Opens PostgreSQL itself, in a thread of this process, on one connection. Its
 * statements can't be cancelled: one that is given up runs to its end.
 */
export async function loadPgliteDriver(
  { url, statementCacheSize }: PostgresDriverSettings,
): Promise<PostgresDriver> {
  const pg = await loadPg();
  const { thread, lock } = await openPlace(url).catch((error) => {
    throw connectionRefused(error);
  });
  const types = new PostgresTypes();
  let connection: PgConnection | undefined;
  return {
    name: "pglite",
    maxConnections: 1,
    connect: ({ onClose }) => {
      const wire = new pg.Connection({ stream: thread.connect() });
      wire.connect(0);
      connection = new PgConnection(wire, {
        types,
        statementCacheSize,
        cancel: () => Promise.resolve(),
        onClose,
      });
      return Promise.resolve(connection);
    },
    close: async () => {
      if (connection !== undefined) await atRest(connection);
      await thread.close();
      lock?.close();
    },
  };
}

/** Waits for a statement that runs, or a transaction, to come to its end. */
async function atRest(connection: PgConnection): Promise<void> {
  if (!connection.isBusy) return;
  await deadline(() => connection.ended, MAX_CLOSE_WAIT_MS).catch(() => {});
}

async function openPlace(url: string) {
  const folder = folderOf(url);
  if (folder === undefined) {
    return { thread: await PgliteThread.open("memory://") };
  }
  const lock = await lockFolder(folder);
  try {
    return { thread: await PgliteThread.open(`file://${folder}`), lock };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** The folder that a URL names; many write a path into one as it is. */
export function folderOf(url: string): string | undefined {
  const path = /^file:(?:\/\/(?:localhost(?=\/))?)?(.*)/s.exec(url)?.[1];
  if (path === "") throw new Error(`${url} names no folder`);
  try {
    return path && decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * Keeps a folder to oneself for as long as the file it gives is open; a process
 * that dies lets go of it.
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

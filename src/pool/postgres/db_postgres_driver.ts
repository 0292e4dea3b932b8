import { InvalidOptionError } from "../../base/errors.ts";
import type {
  PostgresConnection,
  PostgresDriver,
  PostgresDriverSettings,
  PostgresResult,
} from "./postgres_driver.ts";
import {
  connectionLost,
  connectionRefused,
  type ServerError,
  toPostgresError,
} from "./postgres_errors.ts";
import { PostgresTypes } from "./postgres_types.ts";
import { encodeParameter } from "./postgres_values.ts";
import { IN_TRANSACTION, TransactionWatch } from "./transaction_watch.ts";

/**
 * Not a literal in the import: Deno would ask JSR for its metadata whenever the
 * module graph is built, named or not.
 */
export const DB_POSTGRES: string = "jsr:@db/postgres@^0.19.5";

/** The part of `jsr:@db/postgres` that Sluice uses. */
interface DbPostgresModule {
  Client: new (options: object) => DbPostgresClient;
}

interface DbPostgresClient {
  readonly connected: boolean;
  readonly session: { pid: number | undefined };
  connect(): Promise<void>;
  queryObject(text: string, params?: unknown[]): Promise<DbPostgresResult>;
  end(): Promise<void>;
}

interface DbPostgresResult {
  rows: Record<string, unknown>[];
  rowCount?: number;
  rowDescription?: { columns: { name: string; typeOid: number }[] };
}

/**
 * Loads `jsr:@db/postgres`, for PostgreSQL over TCP. It prepares no statements,
 * and learns that an idle connection is lost only from the statement that fails.
 */
export async function loadDbPostgresDriver(
  settings: PostgresDriverSettings,
): Promise<PostgresDriver> {
  const options = clientOptions(settings);
  const { Client } = await import(DB_POSTGRES) as DbPostgresModule;
  const types = new PostgresTypes();
  const open = () => opened(new Client(options));
  return {
    name: "@db/postgres",
    maxConnections: Infinity,
    connect: async ({ signal, onClose }) => {
      const client = await open();
      if (!signal.aborted) {
        return new DbPostgresConnection(client, { open, onClose, types });
      }
      await client.end();
      throw signal.reason;
    },
    close: () => Promise.resolve(),
  };
}

async function opened(client: DbPostgresClient): Promise<DbPostgresClient> {
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw connectionRefused(toServerError(error) ?? error as Error);
  }
}

/** Settings of a connection, by its driver. */
interface DbPostgresSettings {
  open: () => Promise<DbPostgresClient>;
  onClose: (connection: PostgresConnection) => void;
  types: PostgresTypes;
}

class DbPostgresConnection implements PostgresConnection {
  readonly #client: DbPostgresClient;
  readonly #settings: DbPostgresSettings;
  readonly #transaction = new TransactionWatch(() => this.#isInTransaction());
  #isClosed = false;

  constructor(client: DbPostgresClient, settings: DbPostgresSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  get state(): "idle" | "transaction" | "broken" {
    if (this.#isClosed || !this.#client.connected) return "broken";
    return this.#transaction.isOpen ? "transaction" : "idle";
  }

  async query(
    text: string,
    params: readonly unknown[],
  ): Promise<PostgresResult> {
    const values = params.map(encodeParameter);
    const found = await this.#run(text, values);
    const result = { rows: found.rows, affectedRows: found.rowCount ?? 0 };
    const columns = (found.rowDescription?.columns ?? [])
      .map(({ name, typeOid }) => ({ name, typeId: typeOid }));
    await this.#settings.types.read(
      result,
      columns,
      (sql, values) => this.query(sql, values),
    );
    return result;
  }

  async script(text: string): Promise<void> {
    await this.#run(text, []);
  }

  async cancel(): Promise<void> {
    const client = await this.#settings.open();
    try {
      await client.queryObject("SELECT pg_cancel_backend($1::int)", [
        this.#client.session.pid,
      ]);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    this.#noteClosed();
    await this.#client.end();
  }

  destroy(): void {
    this.#noteClosed();
    this.#client.end().catch(() => {});
  }

  #run(text: string, values: unknown[]) {
    return this.#transaction.run(text, () => this.#ask(text, values));
  }

  async #isInTransaction(): Promise<boolean> {
    const { rows } = await this.#ask(IN_TRANSACTION, []);
    return rows[0].open === "t";
  }

  async #ask(text: string, values: unknown[]) {
    try {
      return await this.#client.queryObject(text, values);
    } catch (error) {
      const refused = toServerError(error);
      if (refused !== undefined && this.#client.connected) {
        throw toPostgresError(refused);
      }
      this.destroy();
      throw connectionLost(refused ?? error as Error);
    }
  }

  #noteClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settings.onClose(this);
  }
}

/** The error of the server itself, if it is one. */
function toServerError(error: unknown): ServerError | undefined {
  if (!(error instanceof Error) || !("fields" in error)) return undefined;
  const fields = error.fields as Omit<ServerError, keyof Error>;
  return Object.assign(new Error(error.message, { cause: error }), fields);
}

function clientOptions(settings: PostgresDriverSettings): object {
  const url = new URL(settings.url);
  return {
    hostname: url.hostname || "127.0.0.1",
    port: url.port || 5432,
    user: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    database: decodeURIComponent(url.pathname.slice(1)) || undefined,
    applicationName: settings.applicationName,
    connection: { attempts: 0 },
    tls: tlsOptions(settings, url.searchParams.get("sslmode")),
    controls: { decodeStrategy: "string" },
  };
}

function tlsOptions(
  { ssl }: PostgresDriverSettings,
  sslmode: string | null,
): object {
  const isOn = ssl === undefined
    ? sslmode !== null && sslmode !== "disable"
    : ssl !== false;
  if (typeof ssl !== "object") return { enabled: isOn, enforce: isOn };
  const { ca, ...others } = ssl;
  for (const name of Object.keys(others)) {
    throw new InvalidOptionError(
      `ssl.${name} is not among what "@db/postgres" can do`,
    );
  }
  return { enabled: true, enforce: true, caCertificates: ca ? [ca] : [] };
}

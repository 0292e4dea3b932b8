import { PgConnection } from "./pg_connection.ts";
import { loadPg, type PgClient, type PgModule } from "./pg_wire.ts";
import type {
  PostgresConnectContext,
  PostgresConnection,
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import { connectionRefused } from "./postgres_errors.ts";
import { PostgresTypes } from "./postgres_types.ts";

/** PostgreSQL over TCP by `npm:pg`; the driver by default. */
export class PgDriver implements PostgresDriver {
  readonly name = "pg";
  readonly maxConnections = Infinity;
  readonly #pg: PgModule;
  readonly #settings: PostgresDriverSettings;
  readonly #types = new PostgresTypes();

  private constructor(pg: PgModule, settings: PostgresDriverSettings) {
    this.#pg = pg;
    this.#settings = settings;
  }

  static async load(settings: PostgresDriverSettings): Promise<PgDriver> {
    return new PgDriver(await loadPg(), settings);
  }

  async connect(
    { signal, onClose }: PostgresConnectContext,
  ): Promise<PostgresConnection> {
    const client = this.#makeClient();
    await connected(client, signal);
    // pg's client has connected and proved who it is; the rest is ours.
    client.connection.removeAllListeners();
    return new PgConnection(client.connection, {
      types: this.#types,
      statementCacheSize: this.#settings.statementCacheSize,
      cancel: () => cancelWork(this.#pg, client),
      onClose,
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Fails where `pg` may not read the variables that libpq knows. */
  #makeClient(): PgClient {
    const { url, ssl, applicationName } = this.#settings;
    try {
      return new this.#pg.Client({
        connectionString: url,
        ...(ssl !== undefined && { ssl }),
        application_name: applicationName,
        keepAlive: true,
      });
    } catch (error) {
      throw connectionRefused(error as Error);
    }
  }
}

async function connected(client: PgClient, signal: AbortSignal): Promise<void> {
  const giveUp = () => client.connection.stream.destroy();
  signal.addEventListener("abort", giveUp, { once: true });
  client.on("error", () => {});
  try {
    await new Promise<void>((resolve, reject) =>
      client.connect((error) => error ? reject(error) : resolve())
    );
  } catch (error) {
    giveUp();
    throw connectionRefused(error as Error);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Asks by a connection of its own, as the protocol wants it. */
function cancelWork(pg: PgModule, client: PgClient): Promise<void> {
  const { host, port, ssl, processID, secretKey } = client;
  const wire = new pg.Connection({ ssl });
  return new Promise((resolve, reject) => {
    const send = () => wire.cancel(processID, secretKey);
    wire.on("connect", () => ssl ? wire.requestSsl() : send());
    wire.on("sslconnect", send);
    wire.on("end", () => resolve());
    wire.on("error", reject);
    if (host.startsWith("/")) wire.connect(`${host}/.s.PGSQL.${port}`);
    else wire.connect(port, host);
  });
}

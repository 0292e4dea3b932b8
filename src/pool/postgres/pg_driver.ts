import { PgConnection } from "./pg_connection.ts";
import { loadPg, type PgClient, type PgModule } from "./pg_wire.ts";
import type {
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import { connectionRefused } from "./postgres_errors.ts";
import { PostgresTypes } from "./postgres_types.ts";

/** Loads `npm:pg`, for PostgreSQL over TCP; the driver by default. */
export async function loadPgDriver(
  settings: PostgresDriverSettings,
): Promise<PostgresDriver> {
  const pg = await loadPg();
  const types = new PostgresTypes();
  return {
    name: "pg",
    maxConnections: Infinity,
    connect: async ({ signal, onClose }) => {
      const client = makeClient(pg, settings);
      await connected(client, signal);
      // pg's client has connected and proved who it is; the rest is ours.
      client.connection.removeAllListeners();
      return new PgConnection(client.connection, {
        types,
        statementCacheSize: settings.statementCacheSize,
        cancel: () => cancelWork(pg, client),
        onClose,
      });
    },
    close: () => Promise.resolve(),
  };
}

/** Fails where `pg` may not read the variables that libpq knows. */
function makeClient(
  pg: PgModule,
  { url, ssl, applicationName }: PostgresDriverSettings,
): PgClient {
  try {
    return new pg.Client({
      connectionString: url,
      ...(ssl !== undefined && { ssl }),
      application_name: applicationName,
      keepAlive: true,
    });
  } catch (error) {
    throw connectionRefused(error as Error);
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

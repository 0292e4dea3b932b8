import { PgConnection } from "./pg_connection.ts";
import type { PgClient, PgModule } from "./pg_module.ts";
import type { PgDecoders } from "./pg_statement.ts";
import type {
  PostgresConnectContext,
  PostgresConnection,
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import { connectionRefused } from "./postgres_errors.ts";
import { decodeInt8, decodeTimestamp, typeIds } from "./postgres_values.ts";

/** PostgreSQL over TCP by `npm:pg`; the driver by default. */
export class PgDriver implements PostgresDriver {
  readonly name = "pg";
  readonly maxConnections = Infinity;
  readonly #pg: PgModule;
  readonly #settings: PostgresDriverSettings;
  readonly #decoders: PgDecoders;

  private constructor(pg: PgModule, settings: PostgresDriverSettings) {
    this.#pg = pg;
    this.#settings = settings;
    this.#decoders = decodersOf(pg);
  }

  static async load(settings: PostgresDriverSettings): Promise<PgDriver> {
    const { default: pg } = await import("pg") as unknown as {
      default: PgModule;
    };
    return new PgDriver(pg, settings);
  }

  async connect(
    { signal, onClose }: PostgresConnectContext,
  ): Promise<PostgresConnection> {
    const client = this.#makeClient();
    await connected(client, signal);
    return new PgConnection(client, {
      pg: this.#pg,
      decoders: this.#decoders,
      statementCacheSize: this.#settings.statementCacheSize,
      onClose,
    });
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

  close(): Promise<void> {
    return Promise.resolve();
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

function decodersOf({ types }: PgModule): PgDecoders {
  const asIs = (text: string) => text;
  const ours: Record<number, (text: string) => unknown> = {
    [typeIds.int8]: decodeInt8,
    [typeIds.date]: asIs,
    [typeIds.timestamp]: decodeTimestamp,
  };
  const arrayOf = (element: number) => (text: string) =>
    types.arrayParser.create(text, ours[element]).parse();
  ours[typeIds.int8Array] = arrayOf(typeIds.int8);
  ours[typeIds.dateArray] = arrayOf(typeIds.date);
  ours[typeIds.timestampArray] = arrayOf(typeIds.timestamp);
  return (typeId) => ours[typeId] ?? types.getTypeParser(typeId, "text");
}

import { TimeoutError } from "../../base/errors.ts";
import type { Lease } from "../lease.ts";
import { Pool } from "../pool.ts";
import { POOL_LIMITS, type PoolLimits } from "../pool_options.ts";
import type { PostgresConnection, PostgresDriver } from "./postgres_driver.ts";
import type {
  CheckedPostgresOptions,
  PostgresOptions,
} from "./postgres_options.ts";

/** A connection, lent to one caller. */
export type PostgresLease = Lease<PostgresConnection>;

/** The connections of a `PostgresPool`: how they are made, lent and taken back. */
export class PostgresConnections {
  readonly pool: Pool<PostgresConnection>;
  readonly #driver: PostgresDriver;
  readonly #warn: (message: string) => void;

  constructor(
    driver: PostgresDriver,
    options: PostgresOptions,
    { name, log, serverSettings }: CheckedPostgresOptions,
  ) {
    this.#driver = driver;
    this.#warn = (message) => log.warn(message);
    this.pool = new Pool({
      ...ownLimits(options),
      ...limitsFor(driver, options),
      name: name,
      create: ({ signal }) =>
        this.#connect(signal, Object.entries(serverSettings)),
      destroy: (connection) => connection.close(),
      validate: (connection) => connection.state === "idle",
    });
  }

  /** Says, where it took too long, what a caller waited for in vain. */
  async borrow(signal?: AbortSignal): Promise<PostgresLease> {
    try {
      return await this.pool.acquire(signal && { signal });
    } catch (error) {
      const { name, inUse, max } = this.pool.stats;
      if (!(error instanceof TimeoutError) || inUse < max) throw error;
      const all = max === 1 ? "whose only one is" : `whose ${max} are all`;
      throw new TimeoutError(
        `waiting for a connection of ${name}, ${all} in use ` +
          "(inside a transaction or a session, ask that and not the pool),",
        error.timeoutMs,
        { cause: error.cause },
      );
    }
  }

  giveBack(lease: PostgresLease): void {
    const { state } = lease.value;
    if (state === "idle") return lease.release();
    if (state === "transaction") {
      this.#warn(
        `${this.pool.name}: a connection came back in a transaction; it is rolled back and closed`,
      );
    }
    lease.discard();
  }

  async #connect(
    signal: AbortSignal,
    settings: [name: string, value: string][],
  ): Promise<PostgresConnection> {
    const connection = await this.#driver.connect({
      signal,
      onClose: (connection) => this.pool.evict(connection),
    });
    try {
      await applySettings(connection, settings);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }
}

/** A driver may hold fewer connections than were asked for. */
/** Those of the options that any pool has. */
function ownLimits(options: PostgresOptions): PoolLimits {
  const names = Object.keys(POOL_LIMITS) as (keyof PoolLimits)[];
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

function limitsFor(
  { maxConnections }: PostgresDriver,
  { min = 0, max = 10 }: PostgresOptions,
): { min: number; max: number } {
  if (max <= maxConnections) return { min, max };
  return { min: Math.min(min, maxConnections), max: maxConnections };
}

async function applySettings(
  connection: PostgresConnection,
  settings: [name: string, value: string][],
): Promise<void> {
  if (settings.length === 0) return;
  const calls = settings.map((_, i) =>
    `set_config($${2 * i + 1}, $${2 * i + 2}, false) AS setting_${i}`
  );
  await connection.query(`SELECT ${calls.join(", ")}`, settings.flat(), false);
}

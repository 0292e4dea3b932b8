import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readEach,
  type ReadOptions,
} from "../../base/option_rules.ts";
import { checkKnown, quote } from "../../base/options.ts";
import { POOL_LIMITS, type PoolLimits, timerMs } from "../pool_options.ts";
import type { PostgresDriver, PostgresSsl } from "./postgres_driver.ts";

/** The drivers that Sluice knows by name. */
export type PostgresDriverName = "pg" | "@db/postgres" | "pglite";

/** Options of how a `PostgresPool` connects, and keeps its connections. */
export interface PostgresOptions extends PoolLimits {
  /**
   * Limits one statement, in milliseconds, once it has a connection; then it is
   * cancelled, on the server too. `Infinity` for no limit.
   * @default 60_000
   */
  commandTimeoutMs?: number;
  /**
   * The time that the server has to end what was cancelled, in milliseconds,
   * before the connection is given up.
   * @default 1_000
   */
  cancelTimeoutMs?: number;
  /**
   * The name of the connections on the server (`pg_stat_activity`).
   * @default the pool's `name`
   */
  applicationName?: string;
  /** Settings of each connection, such as `{ jit: "off" }`. */
  serverSettings?: Record<string, string>;
  /** `true`, or how, to encrypt; else what the URL's `sslmode` says. */
  ssl?: boolean | PostgresSsl;
  /**
   * Which client speaks to the server: one that Sluice knows by name, or one
   * of your own. `"@db/postgres"` is loaded from JSR only when named.
   * `"pglite"` is PostgreSQL itself in a thread of this process, on one
   * connection; the URL says where it keeps its data, for one pool at a time.
   * @default "pglite" for a memory: or file: URL, else "pg"
   */
  driver?: PostgresDriverName | PostgresDriver;
  /**
   * Has the server keep statements, parsed and planned, for the next time.
   * Better off behind a pooler that shares its connections between
   * transactions: each connection finds that out by itself, but a transaction
   * may have to be run again for it.
   * @default true
   */
  prepare?: boolean;
  /**
   * The number of statements that each connection keeps.
   * @default 256
   */
  statementCacheSize?: number;
}

const { log, clock, random } = POOL_LIMITS;

/** The limits are left to the pool, which is made once there is a driver to close. */
const OWN_OPTIONS = {
  log,
  clock,
  random,
  name: option.any("postgres"),
  commandTimeoutMs: option.timeoutMs(60_000, 1),
  cancelTimeoutMs: timerMs(1_000),
  applicationName: option.optional<string>(),
  serverSettings: checkSettings,
  ssl: option.optional<PostgresOptions["ssl"]>(),
  driver: option.optional<PostgresOptions["driver"]>(),
  prepare: option.any(true),
  statementCacheSize: option.integer(256, 1),
};

const POSTGRES_OPTIONS = {
  ...POOL_LIMITS,
  ...OWN_OPTIONS,
} satisfies OptionRules<PostgresOptions>;

/** The options with their defaults, checked. */
export type CheckedPostgresOptions =
  & ReadOptions<typeof OWN_OPTIONS>
  & { applicationName: string };

/** Fills the defaults in and refuses what makes no sense. */
export function checkPostgresOptions(
  options: PostgresOptions,
): CheckedPostgresOptions {
  checkKnown("PostgresPool", options, POSTGRES_OPTIONS);
  const read = readEach(options, OWN_OPTIONS);
  return { ...read, applicationName: read.applicationName ?? read.name };
}

function checkSettings(
  option: string,
  settings: unknown = {},
): Record<string, string> {
  for (const [name, value] of Object.entries(settings as object)) {
    if (typeof value === "string") continue;
    throw new InvalidOptionError(
      `${option}.${name} must be a string, got ${quote(value)}`,
    );
  }
  return settings as Record<string, string>;
}

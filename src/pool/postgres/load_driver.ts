import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type {
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import type { PostgresDriverName } from "./postgres_options.ts";

const TAKEN = /^(postgres(ql)?:\/\/|(memory|file):)/;
const SCHEME = /^[a-z][a-z0-9+.-]*:(?=\/\/)/i;

/** Loads a driver that Sluice knows by name; none is before it is needed. */
export async function loadDriver(
  name: PostgresDriverName | undefined,
  settings: PostgresDriverSettings,
): Promise<PostgresDriver> {
  switch (name ?? driverFor(settings.url)) {
    case "pg":
      return (await import("./pg_driver.ts")).loadPgDriver(settings);
    case "@db/postgres":
      return (await import("./db_postgres_driver.ts"))
        .loadDbPostgresDriver(settings);
    case "pglite":
      return (await import("./pglite_driver.ts")).loadPgliteDriver(settings);
    default:
      throw new InvalidOptionError(
        `driver must be "pg", "@db/postgres", "pglite" or a driver of your own, got ${
          quote(name)
        }`,
      );
  }
}

function driverFor(url: string): PostgresDriverName {
  return /^(memory|file):/.test(url) ? "pglite" : "pg";
}

/** Says nothing of a refused URL but its scheme: it may hold a password. */
export function checkPostgresUrl(url: unknown): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text === "string" && TAKEN.test(text)) return text;
  throw new InvalidOptionError(
    "url must be a postgres:// or postgresql:// URL, or memory: or file: for a " +
      `database in this process, got ${described(text)}`,
  );
}

function described(url: unknown): string {
  if (typeof url !== "string" || url === "") return quote(url);
  const scheme = SCHEME.exec(url)?.[0];
  return scheme === undefined ? "something else" : quote(scheme);
}

import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type {
  PostgresDriver,
  PostgresDriverSettings,
} from "./postgres_driver.ts";
import type { PostgresDriverName } from "./postgres_options.ts";

/** Loads a driver that Sluice knows by name; none is before it is needed. */
export async function loadDriver(
  name: PostgresDriverName | undefined,
  settings: PostgresDriverSettings,
): Promise<PostgresDriver> {
  switch (name ?? driverFor(settings.url)) {
    case "pg": {
      const { PgDriver } = await import("./pg_driver.ts");
      return await PgDriver.load(settings);
    }
    case "@db/postgres": {
      const { DbPostgresDriver } = await import("./db_postgres_driver.ts");
      return await DbPostgresDriver.load(settings);
    }
    case "pglite": {
      const { PgliteDriver } = await import("./pglite_driver.ts");
      return await PgliteDriver.load(settings);
    }
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

import { DB_POSTGRES } from "../../src/pool/postgres/db_postgres_driver.ts";
import { EmbeddedFolder } from "../support/embedded_folder.ts";
import { PostgresServer, skipsPostgres } from "../support/postgres.ts";
import { postgresContract } from "./postgres_contract.ts";

let server: PostgresServer | undefined;
let embedded: EmbeddedFolder;

Deno.test.beforeAll(async () => {
  if (!skipsPostgres) server = await PostgresServer.start();
  embedded = await EmbeddedFolder.make();
});
Deno.test.afterAll(async () => {
  await embedded[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const url = () => server!.url;

postgresContract("pg", {
  driver: "pg",
  url,
  isServer: true,
  ignore: skipsPostgres,
});

postgresContract("@db/postgres", {
  driver: "@db/postgres",
  url,
  isServer: true,
  ignore: skipsPostgres || !await canLoadDbPostgres(),
});

postgresContract("pglite", {
  driver: "pglite",
  url: () => embedded.url,
  isServer: false,
});

/** JSR isn't reached from everywhere. */
async function canLoadDbPostgres(): Promise<boolean> {
  try {
    await import(DB_POSTGRES);
    return true;
  } catch {
    return false;
  }
}

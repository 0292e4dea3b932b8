/** Opens a database, says so, and holds it until it is killed. */
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";

const db = await PostgresPool.connect(Deno.args[0]);
await db.script("CREATE TABLE held AS SELECT 1 AS n");
console.log("open");
setInterval(() => {}, 1_000);

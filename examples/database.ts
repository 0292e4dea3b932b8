/**
 * The guide's database work: one pool, prepared statements, one query for many
 * ids, transactions, streams. `deno run -A examples/database.ts` runs on a
 * PostgreSQL inside this process; with DATABASE_URL on yours, where its tables
 * are temporary.
 */
import { PostgresPool } from "@sluice/mcp";

interface User {
  id: number;
  name: string;
}

await using db = await PostgresPool.connect(
  Deno.env.get("DATABASE_URL") ?? "memory://",
  {
    max: 1, // temporary tables live on one connection
    maxUses: 50_000,
    maxIdleMs: 300_000,
    commandTimeoutMs: 60_000,
    applicationName: "sluice_example",
    serverSettings: { jit: "off" },
  },
);

await db.script(`
  CREATE TEMP TABLE users (id int PRIMARY KEY, name text NOT NULL);
  CREATE TEMP TABLE accounts (user_id int PRIMARY KEY, cents int NOT NULL);
`);
await db.execute(
  "INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, $1) AS i",
  [10_000],
);
await db.execute("INSERT INTO accounts SELECT id, 1000 FROM users");

const user = await db.queryOne<User>("SELECT * FROM users WHERE id = $1", [42]);
console.log("one:", user);

const some = await db.query<User>(
  "SELECT * FROM users WHERE id = ANY($1) ORDER BY id",
  [[3, 1, 4, 1, 5]],
);
console.log("many at once:", some.map(({ name }) => name).join(", "));

const left = await db.transaction(async (tx) => {
  const move = "UPDATE accounts SET cents = cents + $2 WHERE user_id = $1";
  await tx.execute(move, [1, -250]);
  await tx.execute(move, [2, 250]);
  return await tx.queryValue("SELECT cents FROM accounts WHERE user_id = 1");
}, { isolation: "serializable" });
console.log("left after the transfer:", left);

let letters = 0;
for await (const { name } of db.stream<User>("SELECT * FROM users")) {
  letters += name.length;
}
console.log("letters in all names, a batch at a time:", letters);

const { created, commands, transactions } = db.stats;
console.log({ created, commands, transactions });

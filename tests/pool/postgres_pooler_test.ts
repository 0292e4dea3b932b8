import assert from "node:assert/strict";
import type { PostgresOptions } from "../../src/pool/postgres/postgres_options.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import type { TransactionOptions } from "../../src/pool/postgres/postgres_transaction.ts";
import { PgBouncer, skipsPgBouncer } from "../support/pgbouncer.ts";
import { PostgresServer } from "../support/postgres.ts";

let server: PostgresServer | undefined;
let pooler: PgBouncer | undefined;

Deno.test.beforeAll(async () => {
  if (skipsPgBouncer) return;
  server = await PostgresServer.start();
  pooler = await PgBouncer.start(server.url);
});
Deno.test.afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** A test with several clients behind the pooler, as replicas would be. */
function test(
  name: string,
  fn: (clients: PostgresPool[]) => Promise<void>,
  options: PostgresOptions = {},
) {
  Deno.test({
    name: `behind a pooler, ${name}`,
    ignore: skipsPgBouncer,
    fn: async () => {
      await using stack = new AsyncDisposableStack();
      const clients = await Promise.all(
        [1, 2, 3].map(() =>
          PostgresPool.connect(pooler!.url, { max: 3, ...options })
        ),
      );
      for (const client of clients) stack.use(client);
      await fn(clients);
    },
  });
}

/** A statement of each client's own, whose answer tells whose it was. */
function ask(client: number, i: number): [text: string, answer: string] {
  const statement = i % 7;
  return [
    `SELECT 'client ${client}, statement ${statement}: ' || $1::text AS v`,
    `client ${client}, statement ${statement}: ${i}`,
  ];
}

for (const prepare of [true, false]) {
  test(
    `everybody gets their own answers (prepare: ${prepare})`,
    async (clients) => {
      await Promise.all(
        clients.flatMap((db, client) =>
          Array.from({ length: 4 }, async () => {
            for (let i = 0; i < 60; i++) {
              const [text, answer] = ask(client, i);
              assert.equal(await db.queryValue(text, [i]), answer);
            }
          })
        ),
      );
    },
    { prepare },
  );
}

test("transactions get their own answers", async (clients) => {
  await Promise.all(
    clients.flatMap((db, client) =>
      Array.from({ length: 3 }, async () => {
        for (let i = 0; i < 30; i++) {
          const [text, answer] = ask(client, i);
          const value = await db.transaction(async (tx) => {
            await tx.query("SELECT 1");
            return await tx.queryValue(text, [i]);
          });
          assert.equal(value, answer);
          const [other, reply] = ask(client, i + 3);
          assert.equal(await db.queryValue(other, [i + 3]), reply);
        }
      })
    ),
  );
});

for (const prepare of [true, false]) {
  test(`streams get through (prepare: ${prepare})`, async (clients) => {
    await Promise.all(
      clients.flatMap((db, client) =>
        Array.from({ length: 3 }, async () => {
          for (let i = 0; i < 20; i++) {
            const [text, answer] = ask(client, i);
            assert.equal(await db.queryValue(text, [i]), answer);
            const rows = await Array.fromAsync(db.stream<{ n: number }>(
              "SELECT $1::int + n AS n FROM generate_series(1, 5) n",
              [client * 10],
              { batchSize: 2 },
            ));
            assert.equal(rows[4].n, client * 10 + 5);
          }
        })
      ),
    );
  }, { prepare });
}

/** Has a prepared statement go away in the middle of a transaction. */
async function lose(
  db: PostgresPool,
  options: TransactionOptions,
): Promise<number> {
  let runs = 0;
  await db.query("SELECT 'known'");
  await db.transaction(async (tx) => {
    runs++;
    if (runs === 1) await tx.query("DEALLOCATE ALL");
    await tx.query("SELECT 'known'");
  }, options);
  return runs;
}

Deno.test({
  name: "a transaction that lost a statement is run again, or says the way out",
  ignore: skipsPgBouncer,
  fn: async () => {
    await using one = await PostgresPool.connect(server!.url, { max: 1 });
    await assert.rejects(lose(one, { maxRetries: 0 }), {
      name: "PostgresError",
      sqlState: "26000",
      message: /does not exist.*pooler.*prepare: false/,
    });
    await using other = await PostgresPool.connect(server!.url, { max: 1 });
    assert.equal(await lose(other, {}), 2);
    assert.equal(other.stats.transactionRetries, 1);
  },
});

Deno.test({
  name: "no two connections give their statements the same name",
  ignore: skipsPgBouncer,
  fn: async () => {
    const names = async () => {
      await using db = await PostgresPool.connect(server!.url, { max: 1 });
      await db.query("SELECT $1::int", [1]);
      return await db.queryValue<string>(
        "SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT $1::int'",
      );
    };
    const seen = [await names(), await names(), await names()];
    assert.equal(new Set(seen).size, 3, seen.join());
  },
});

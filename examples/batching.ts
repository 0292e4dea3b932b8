/**
 * The guide's request batching: callers ask one by one, the source is asked for
 * many at once. Run it with `deno run -A examples/batching.ts`.
 */
import { Batcher, Batchers } from "@sluice/mcp";

interface User {
  id: number;
  name: string;
}

/** Stands for `db.query("SELECT * FROM users WHERE id = ANY($1)", [ids])`. */
async function selectUsers(ids: number[]): Promise<User[]> {
  console.log(`  one query for ${ids.length} ids`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return ids.filter((id) => id < 1_000).reverse()
    .map((id) => ({ id, name: `user ${id}` }));
}

async function lookUpUsers(): Promise<void> {
  console.log("\nBatcher: 100 look-ups of 50 users");
  await using users = new Batcher(selectUsers, {
    resultKey: ({ id }) => id,
    maxSize: 40,
    concurrency: 2,
    timeoutMs: 5_000,
  });
  const found = await Promise.all(
    Array.from({ length: 100 }, (_, call) => users.load(call % 50)),
  );
  console.log(`  ${found.length} answers, the last: ${found.at(-1)!.name}`);

  const [known, unknown] = await users.loadMany([7, 5_000]);
  console.log(" ", known, "|", String(unknown));
}

async function keepTenantsApart(): Promise<void> {
  console.log(
    "\npartition: what belongs to two tenants is never asked together",
  );
  await using documents = new Batcher((ids: string[], { partition }) => {
    console.log(`  ${partition} asks for ${ids}`);
    return new Map(ids.map((id) => [id, `${id} of ${partition}`]));
  });
  await Promise.all([
    documents.load("report", { partition: "acme" }),
    documents.load("invoice", { partition: "acme" }),
    documents.load("report", { partition: "globex" }),
  ]);
}

async function nameOperations(): Promise<void> {
  console.log("\nBatchers: many operations, each gathering on its own");
  await using batchers = new Batchers({
    user: (ids: number[]) => ids.map((id) => `user ${id}`),
    stock: (skus: string[]) => skus.map((sku) => sku.length),
  }, { maxSize: 10, maxWaitMs: 10 });
  const [user, stock] = await Promise.all([
    batchers.load("user", 7),
    batchers.load("stock", "A-113"),
  ]);
  console.log(" ", user, "|", stock, "in stock");
  console.log("  batches of user:", batchers.stats.user.batches);
}

async function giveUp(): Promise<void> {
  console.log("\nsignal: a caller who gives up takes only its own key along");
  await using users = new Batcher(selectUsers, { resultKey: ({ id }) => id });
  const outcomes = await Promise.allSettled([
    users.load(1, { signal: AbortSignal.timeout(5) }),
    users.load(2),
  ]);
  console.log(" ", outcomes.map(({ status }) => status).join(", "));
}

await lookUpUsers();
await keepTenantsApart();
await nameOperations();
await giveUp();

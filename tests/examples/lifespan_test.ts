import assert from "node:assert/strict";
import { openLifespan } from "../../examples/guide/lifespan.ts";

/** The guide's database, with what the environment says of it. */
async function withDatabase(
  url: string | undefined,
  fn: (
    database: Awaited<ReturnType<typeof openLifespan>>["database"],
  ) => Promise<void>,
): Promise<void> {
  const before = Deno.env.get("DATABASE_URL");
  const set = (value: string | undefined) =>
    value === undefined
      ? Deno.env.delete("DATABASE_URL")
      : Deno.env.set("DATABASE_URL", value);
  set(url);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => set(before));
  await fn((await openLifespan(stack)).database);
}

Deno.test("a database that is configured and can't be reached isn't healthy", () =>
  withDatabase("postgres://ada@127.0.0.1:1/x", async (database) => {
    for (let i = 0; i < 2; i++) {
      await assert.rejects(async () => await database.checkHealth(), {
        code: "SLUICE_POSTGRES_CONNECTION",
        message: /ECONNREFUSED/,
      });
    }
  }));

Deno.test("an embedded database isn't opened by those who check it", () =>
  withDatabase(undefined, async (database) => {
    assert.equal(await database.checkHealth(), "not_configured");
    const db = await database();
    assert.equal(
      await db.queryValue("SELECT name FROM guide_users WHERE id = 7"),
      "User 7",
    );
    assert.deepEqual(await database.checkHealth(), { status: "healthy" });
  }));

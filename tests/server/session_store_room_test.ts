import assert from "node:assert/strict";
import { MemorySessionStore, RefusedError } from "../../mod.ts";

const MIB = 1024 * 1024;

function session(principal: string) {
  return {
    v: 1,
    principal,
    home: "one",
    revision: "2025-11-25",
    capabilities: { experimental: { x: { y: "y".repeat(MIB) } } },
  } as const;
}

Deno.test("sessions that are only opened make room in memory for others; those in use don't", async () => {
  await using store = new MemorySessionStore();
  await store.create("used", session("ada"), 10_000);
  await store.use("used", 10_000);
  for (let i = 0; i < 100; i++) {
    await store.create(`opened ${i}`, session("eve"), 10_000);
  }
  assert.ok(await store.use("used", 10_000));
  assert.equal(await store.use("opened 0", 10_000), undefined);
  for (let i = 0; i < 100; i++) await store.use(`opened ${i}`, 10_000);
  await assert.rejects(
    store.create("more", session("eve"), 10_000),
    RefusedError,
  );
  const uri = "x".repeat(MIB);
  await assert.rejects(store.follow("used", uri), RefusedError);
  await store.delete("opened 99");
  await store.follow("used", uri);
  await store.unfollow("used", uri);
  await store.create("more", session("eve"), 10_000);
});

import assert from "node:assert/strict";
import type { KeptSession, SessionStore } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";

const SESSION: KeptSession = {
  v: 1,
  principal: 'one "é"\n',
  home: "member",
  revision: "2025-11-25",
  capabilities: { elicitation: {} },
  clientInfo: { name: "test", version: "1.0.0" },
};

/** What every store of sessions must do. */
export function sessionStoreContract(
  name: string,
  make: () => SessionStore,
): [string, () => Promise<void>][] {
  return [
    [
      `${name}: a session is found as it was kept, until it is deleted`,
      async () => {
        const store = make();
        assert.equal(await store.use("none", 60_000), undefined);
        await store.create("a", SESSION, 60_000);
        assert.deepEqual(await store.use("a", 60_000), SESSION);
        await store.delete("a");
        assert.equal(await store.use("a", 60_000), undefined);
        await store.delete("a");
      },
    ],
    [`${name}: what changes is kept, and changes nothing else`, async () => {
      const store = make();
      await store.create("b", { ...SESSION, standing: "x" }, 60_000);
      await store.update("b", { logLevel: "error" });
      assert.deepEqual(await store.use("b", 60_000), {
        ...SESSION,
        standing: "x",
        logLevel: "error",
      });
      await store.update("b", { standing: "" });
      assert.equal((await store.use("b", 60_000))!.standing, "");
      await store.update("b", {});
      await store.delete("b");
    }],
    [`${name}: followed resources come and go one by one`, async () => {
      const store = make();
      await store.create("c", SESSION, 60_000);
      assert.deepEqual(await store.followed("c"), []);
      await Promise.all([
        store.follow("c", "news://1"),
        store.follow("c", "news://2 é"),
        store.follow("c", "news://1"),
      ]);
      assert.deepEqual((await store.followed("c")).toSorted(), [
        "news://1",
        "news://2 é",
      ]);
      await store.unfollow("c", "news://1");
      assert.deepEqual(await store.followed("c"), ["news://2 é"]);
      assert.deepEqual(await store.use("c", 60_000), SESSION);
      await store.delete("c");
    }],
    [
      `${name}: a session that has ended does not come back by a change`,
      async () => {
        const store = make();
        await store.create("d", SESSION, 60_000);
        await store.delete("d");
        await store.update("d", { logLevel: "error" });
        await store.follow("d", "news://1");
        assert.equal(await store.use("d", 60_000), undefined);
        assert.deepEqual(await store.followed("d"), []);
      },
    ],
    [
      `${name}: one that nobody uses ends, one that is used does not`,
      async () => {
        const store = make();
        await store.create("e", SESSION, 150);
        await store.create("f", SESSION, 150);
        await eventually(async () => {
          assert.notEqual(await store.use("f", 60_000), undefined);
          return (await store.followed("e")).length === 0;
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
        assert.equal(await store.use("e", 60_000), undefined);
        assert.notEqual(await store.use("f", 60_000), undefined);
        await store.delete("f");
      },
    ],
  ];
}

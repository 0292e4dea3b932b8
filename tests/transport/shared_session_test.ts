import assert from "node:assert/strict";
import { keepAndSay } from "../../src/transport/http/legacy/shared_session.ts";

/** A change that is kept when the test says so, and what has been done of it. */
function change(inOrder: boolean) {
  const done: string[] = [];
  const kept = Promise.withResolvers<void>();
  const said = Promise.withResolvers<void>();
  const all = keepAndSay(
    inOrder,
    () => {
      done.push("keep");
      return kept.promise;
    },
    () => {
      done.push("say");
      return said.promise;
    },
  );
  return { done, kept, said, all };
}

Deno.test("what is kept and said in order takes one round trip", async () => {
  const { done, kept, said, all } = change(true);
  assert.deepEqual(done, ["keep", "say"]);
  kept.resolve();
  said.resolve();
  await all;
});

Deno.test("where there is no order, nobody is told before it is kept", async () => {
  const { done, kept, said, all } = change(false);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.deepEqual(done, ["keep"]);
  kept.resolve();
  said.resolve();
  await all;
  assert.deepEqual(done, ["keep", "say"]);
});

for (const inOrder of [true, false]) {
  const how = inOrder ? "in order" : "without order";
  Deno.test(`${how}: what could not be kept, or not be said, is an error`, async () => {
    const unkept = change(inOrder);
    unkept.kept.reject(new Error("not kept"));
    unkept.said.resolve();
    await assert.rejects(unkept.all, /not kept/);
    assert.equal(unkept.done.includes("say"), inOrder);

    const unsaid = change(inOrder);
    unsaid.kept.resolve();
    unsaid.said.reject(new Error("not said"));
    await assert.rejects(unsaid.all, /not said/);
  });
}

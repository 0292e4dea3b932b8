import assert from "node:assert/strict";
import { ClosedError, InvalidOptionError } from "../../src/base/errors.ts";
import { Batchers } from "../../src/batch/batchers.ts";

Deno.test("operations gather each on their own, with types of their own", async () => {
  const calls: string[] = [];
  const batchers = new Batchers({
    userName: (ids: number[]) => {
      calls.push(`userName ${ids}`);
      return Promise.resolve(ids.map((id) => `user ${id}`));
    },
    stock: (skus: string[]) => {
      calls.push(`stock ${skus}`);
      return new Map(skus.map((sku) => [sku, sku.length]));
    },
  });
  const [name, stock, other]: [string, number, string] = await Promise.all([
    batchers.load("userName", 1),
    batchers.load("stock", "A-113"),
    batchers.load("userName", 2),
  ]);
  assert.deepEqual([name, stock, other], ["user 1", 5, "user 2"]);
  assert.deepEqual(calls, ["userName 1,2", "stock A-113"]);
  assert.deepEqual(await batchers.loadMany("stock", ["a", "bc"]), [1, 2]);
  assert.equal(batchers.stats.userName.batches, 1);
  assert.equal(batchers.stats.stock.name, "stock");
});

Deno.test("an operation's options go over the defaults", async () => {
  const sizes: Record<string, number[]> = { a: [], b: [] };
  const loader = (name: string) => (keys: number[]) => {
    sizes[name].push(keys.length);
    return keys;
  };
  const batchers = new Batchers({ a: loader("a"), b: loader("b") }, {
    maxSize: 3,
  }, { b: { maxSize: 2, key: (key) => key % 4 } });
  await Promise.all([
    batchers.loadMany("a", [1, 2, 3, 4, 5]),
    batchers.loadMany("b", [1, 2, 3, 4, 5]),
  ]);
  assert.deepEqual(sizes, { a: [3, 2], b: [2, 2] });
});

Deno.test("an unknown operation is refused by name", async () => {
  const batchers = new Batchers({ user: (ids: number[]) => ids });
  await assert.rejects(
    batchers.load("order" as "user", 1),
    (error) =>
      error instanceof InvalidOptionError &&
      error.message === 'operation must be one of "user", got "order"',
  );
});

Deno.test("close loads what has gathered for all, and takes no more", async () => {
  const batchers = new Batchers({
    one: (keys: number[]) => keys,
    two: (keys: number[]) => keys.map((key) => -key),
  }, { maxWaitMs: 60_000 });
  const loads = [batchers.load("one", 1), batchers.load("two", 1)];
  await batchers.flush();
  assert.deepEqual(await Promise.all(loads), [1, -1]);
  const last = batchers.load("two", 2);
  await batchers[Symbol.asyncDispose]();
  assert.equal(await last, -2);
  await assert.rejects(batchers.load("one", 2), ClosedError);
});

Deno.test("a loader that is no function is refused by its operation's name", () => {
  assert.throws(() => new Batchers({ user: "load" as never }), {
    name: "InvalidOptionError",
    message: 'the loader of user must be a function, got "load"',
  });
});

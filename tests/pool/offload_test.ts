import assert from "node:assert/strict";
import { InvalidOptionError, offload, type WorkerContext } from "../../mod.ts";

Deno.test("a function runs in a thread, with its types", async () => {
  await using add = offload(({ a, b }: { a: number; b: number }) => a + b);
  const sum: number = await add({ a: 1, b: 2 });
  assert.equal(sum, 3);
  // @ts-expect-error it takes an object
  await assert.rejects(add(undefined));
  assert.equal(add.pool.stats.calls, 2);
});

Deno.test("every way to write a function is taken", async () => {
  const functions = [
    (n: number) => n + 1,
    async (n: number) => await Promise.resolve(n + 1),
    function (n: number) {
      return n + 1;
    },
    function* (n: number): Generator<string, number> {
      yield "on the way";
      return n + 1;
    },
    async function* named(n: number): AsyncGenerator<string, number> {
      await Promise.resolve();
      yield "on the way";
      return n + 1;
    },
  ];
  for (const each of functions) {
    await using run = offload(each as (n: number) => number);
    assert.equal(await run(1), 2);
  }
});

Deno.test("what a function leaves behind in its own module is told by name", async () => {
  const outside = 5;
  await using broken = offload((n: number) => n + outside);
  await assert.rejects(broken(1), /^ReferenceError: outside is not defined$/);
});

Deno.test("a generator is stopped between its steps, and in the midst of one", async () => {
  await using count = offload(
    function* (to: number, { signal }: WorkerContext) {
      for (let i = 1; i <= to; i++) yield i;
      while (!signal.aborted);
      return "aborted";
    },
    { timeoutMs: 100 },
  );
  const steps: unknown[] = [];
  await assert.rejects(
    count(3, { onStep: (step) => void steps.push(step) }),
    /longer than 100 ms/,
  );
  assert.deepEqual(steps, [1, 2, 3]);
});

Deno.test("what has no text of its own is refused", () => {
  const methods = {
    add: Math.max.bind(null, 1),
    go(n: number) {
      return n;
    },
  };
  for (const each of [methods.add, methods.go, Math.max, 5, undefined]) {
    assert.throws(
      () => offload(each as (n: number) => number),
      InvalidOptionError,
    );
  }
});

import assert from "node:assert/strict";
import { z } from "zod";
import {
  AccessDeniedError,
  type AuthInfo,
  inputRequired,
  McpServer,
  type McpServerOptions,
  RefusedError,
  type ServerContext,
  type ToolConfig,
} from "@sluice/mcp";
import { FakeClock } from "../support/fake_clock.ts";
import { ask, CAPABILITIES_KEY, type Posting } from "../transport/wire.ts";

const META = "io.sluice/idempotency-key";
const ada: AuthInfo = { token: "a", clientId: "ada", scopes: ["pay"] };
const bob: AuthInfo = { token: "b", clientId: "bob", scopes: ["pay"] };

type Work = (amount: number, ctx: ServerContext, runs: number) => unknown;

/** A tool that counts how often it has run. */
function makeServer(
  work: Work = (amount, _, runs) => `paid ${amount}, ${runs}`,
  config: Partial<ToolConfig> = {},
  options: McpServerOptions = {},
) {
  const server = new McpServer({ name: "shop", version: "1.0.0" }, {
    log: () => {},
    ...options,
  });
  const seen = { runs: 0 };
  server.registerTool("pay", {
    inputSchema: z.object({ amount: z.number() }),
    idempotent: { ttlMs: 60_000 },
    ...config as object,
  }, ({ amount }, ctx) => work(amount, ctx, ++seen.runs) as string);
  const pay = async (
    amount: number,
    key: unknown,
    { meta = {}, ...more }: Posting & { meta?: object; extra?: object } = {},
  ) => {
    const { body } = await ask(server, "tools/call", {
      name: "pay",
      arguments: { amount },
      ...more.extra,
      _meta: { ...meta, ...(key !== undefined && { [META]: key }) },
    }, more);
    return body;
  };
  const text = async (...args: Parameters<typeof pay>): Promise<string> =>
    (await pay(...args)).result?.content?.[0]?.text;
  return {
    seen,
    pay,
    text,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function later() {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<unknown>();
  return { begun: begun.promise, begin: begun.resolve, end };
}

Deno.test("a call with a key runs once, and a repeat gets its result", async () => {
  await using shop = makeServer();
  const { seen, text } = shop;
  assert.equal(await text(5, "k1"), "paid 5, 1");
  assert.equal(await text(5, "k1"), "paid 5, 1");
  assert.equal(await text(5, "k2"), "paid 5, 2");
  assert.equal(await text(5, undefined), "paid 5, 3");
  assert.equal(await text(5, undefined), "paid 5, 4");
  assert.equal(seen.runs, 4);
});

Deno.test("a repeat waits for the first one", async () => {
  const { begun, begin, end } = later();
  await using shop = makeServer(() => {
    begin();
    return end.promise;
  });
  const { seen, text } = shop;
  const calls = [text(5, "k"), text(5, "k"), text(5, "k")];
  await begun;
  end.resolve("paid once");
  assert.deepEqual(await Promise.all(calls), Array(3).fill("paid once"));
  assert.equal(seen.runs, 1);
});

Deno.test("the header Idempotency-Key does, quoted as the draft has it or bare", async () => {
  await using shop = makeServer();
  const { text, pay } = shop;
  const by = (key: string) => ({ headers: { "idempotency-key": key } });
  assert.equal(await text(5, undefined, by('"8e03978e-40d5"')), "paid 5, 1");
  assert.equal(await text(5, undefined, by("8e03978e-40d5")), "paid 5, 1");
  assert.equal(await text(5, "8e03978e-40d5"), "paid 5, 1");
  const { error } = await pay(5, "another", by("8e03978e-40d5"));
  assert.match(error!.message, /Idempotency-Key and _meta name two keys/);
});

Deno.test("keys are passed over by tools that don't ask for them", async () => {
  await using shop = makeServer(undefined, { idempotent: undefined });
  const { text } = shop;
  assert.equal(await text(5, "k"), "paid 5, 1");
  assert.equal(await text(5, "k"), "paid 5, 2");
});

Deno.test("a key that is none is refused, and so is one with other arguments", async () => {
  await using shop = makeServer();
  const { pay, seen } = shop;
  for (const key of ["", "a b", "ü", "x".repeat(256), 7, {}]) {
    const { error } = await pay(5, key);
    assert.equal(error!.code, -32602);
    assert.match(error!.message, /an idempotency key must have 1 to 255/);
  }
  assert.equal(seen.runs, 0);
  await pay(5, "k");
  const { error } = await pay(6, "k");
  assert.equal(error!.code, -32602);
  assert.match(error!.message, /was used with other arguments/);
  assert.deepEqual(error!.data, { reason: "key_reused" });
  assert.equal(seen.runs, 1);
});

Deno.test("a key is its caller's: with its identity and its scopes", async () => {
  await using shop = makeServer();
  const { text } = shop;
  assert.equal(await text(5, "k", { authInfo: ada }), "paid 5, 1");
  assert.equal(await text(5, "k", { authInfo: bob }), "paid 5, 2");
  const less = { ...ada, scopes: [] };
  assert.equal(await text(5, "k", { authInfo: less }), "paid 5, 3");
  assert.equal(await text(5, "k", { authInfo: ada }), "paid 5, 1");
  assert.equal(await text(5, "k"), "paid 5, 4");
});

Deno.test("a failure is an outcome too: what had been done is not done again", async () => {
  await using shop = makeServer(() => {
    throw new Error("the card was charged, the mail was not sent");
  });
  const { seen, pay } = shop;
  const first = await pay(5, "k");
  assert.deepEqual(await pay(5, "k"), first);
  assert.equal(first.result.isError, true);
  assert.match(first.result.content[0].text, /the card was charged/);
  assert.equal(seen.runs, 1);
});

Deno.test("an isError result is a result, and what has no form in JSON a failure", async () => {
  const failed = { content: [{ type: "text", text: "no" }], isError: true };
  await using one = makeServer(() => failed);
  assert.deepEqual(await one.pay(5, "k"), await one.pay(5, "k"));
  await using other = makeServer(() => ({ total: 10n }));
  const first = await other.pay(5, "k");
  assert.match(first.result.content[0].text, /total/);
  assert.deepEqual(await other.pay(5, "k"), first);
  assert.deepEqual([one.seen.runs, other.seen.runs], [1, 1]);
});

Deno.test("what says that nothing was done leaves the key unused", async () => {
  await using shop = makeServer((_amount, _ctx, runs) => {
    if (runs === 1) throw new AccessDeniedError("not today");
    return "paid";
  });
  const { pay, text } = shop;
  assert.match((await pay(5, "k")).error!.message, /not today/);
  assert.equal(await text(5, "k"), "paid");
  await using busy = makeServer((_amount, _ctx, runs) => {
    if (runs === 1) throw new RefusedError("overloaded", 1_000);
    return "paid later";
  });
  assert.equal((await busy.pay(5, "k")).error!.code, -32005);
  assert.equal(await busy.text(5, "k"), "paid later");
  await using strict = makeServer();
  const refused = await strict.pay("five" as never, "k");
  assert.equal(refused.result.isError, true);
  assert.equal(await strict.text(5, "k"), "paid 5, 1");
});

Deno.test("a client that leaves does not call off what a repeat will ask for", async () => {
  const { begun, begin, end } = later();
  await using shop = makeServer(async (_amount, ctx) => {
    void ctx.signal;
    begin();
    const value = await end.promise;
    ctx.signal.throwIfAborted();
    return value;
  });
  const { seen, pay, text } = shop;
  const controller = new AbortController();
  const first = pay(5, "k", { signal: controller.signal });
  await begun;
  controller.abort();
  const second = text(5, "k");
  end.resolve("paid all the same");
  assert.equal(await second, "paid all the same");
  await first;
  assert.equal(await text(5, "k"), "paid all the same");
  assert.equal(seen.runs, 1);
});

Deno.test("steps are gone through once, and a repeat takes its place in the line", async () => {
  const { begun, begin, end } = later();
  await using shop = makeServer(async function* () {
    yield 1;
    begin();
    return await end.promise;
  }, { concurrency: 1, timeoutMs: 60_000 });
  const { text } = shop;
  const calls = [text(5, "k"), text(5, "k")];
  await begun;
  end.resolve("paid in steps");
  assert.deepEqual(await Promise.all(calls), Array(2).fill("paid in steps"));
});

Deno.test("a call that was given up has its late result kept, or an outcome that is not known", async () => {
  for (const ends of ["well", "badly"]) {
    const clock = new FakeClock();
    const { begun, begin, end } = later();
    await using shop = makeServer(
      () => {
        begin();
        return end.promise;
      },
      { timeoutMs: 1_000 },
      { clock },
    );
    const { seen, pay } = shop;
    const first = pay(5, "k");
    await begun;
    await clock.advance(1_000);
    assert.match((await first).result.content[0].text, /1000 ms/);
    if (ends === "well") end.resolve("paid late");
    else end.reject(new Error("cut off"));
    const { result, error } = await pay(5, "k");
    if (ends === "well") assert.equal(result.content[0].text, "paid late");
    else assert.deepEqual(error!.data, { reason: "outcome_unknown" });
    assert.equal(seen.runs, 1);
  }
});

Deno.test("a key is forgotten after ttlMs", async () => {
  const clock = new FakeClock();
  const config = { idempotent: { ttlMs: 40_000 } };
  await using shop = makeServer(undefined, config, { clock });
  const { text } = shop;
  assert.equal(await text(5, "k"), "paid 5, 1");
  await clock.advance(39_000);
  assert.equal(await text(5, "k"), "paid 5, 1");
  await clock.advance(2_000);
  assert.equal(await text(5, "k"), "paid 5, 2");
});

Deno.test("rounds: a question keeps nothing, what comes of the answer does", async () => {
  const sure = inputRequired.elicit({
    message: "Sure?",
    requestedSchema: { type: "object", properties: {} },
  });
  const ways: Record<string, Work> = {
    returned: (_amount, ctx, runs) =>
      ctx.mcpReq.inputResponses?.sure === undefined
        ? inputRequired({ inputRequests: { sure } })
        : `paid in run ${runs}`,
    asked: async (_amount, ctx, runs) => {
      await ctx.elicit({
        message: "Sure?",
        requestedSchema: { type: "object", properties: {} },
      });
      return `paid in run ${runs}`;
    },
  };
  for (const work of Object.values(ways)) {
    await using shop = makeServer(work);
    const { seen, pay } = shop;
    const meta = { [CAPABILITIES_KEY]: { elicitation: {} } };
    const asked = (await pay(5, "k", { meta })).result;
    assert.equal(asked.resultType, "input_required");
    const key = Object.keys(asked.inputRequests)[0];
    const extra = {
      inputResponses: { [key]: { action: "accept", content: {} } },
      requestState: asked.requestState,
    };
    const { result } = await pay(5, "k", { meta, extra });
    assert.equal(result.content[0].text, "paid in run 2");
    const again = await pay(5, "k", { meta });
    assert.equal(again.result.content[0].text, "paid in run 2");
    assert.equal(seen.runs, 2);
  }
});

Deno.test("rounds: a wrong answer is no outcome", async () => {
  await using shop = makeServer(async (amount, ctx) => {
    const { content } = await ctx.elicit({
      message: "Sure?",
      requestedSchema: z.object({ sure: z.boolean() }),
    });
    return `paid ${amount}, ${content?.sure}`;
  });
  const { pay } = shop;
  const meta = { [CAPABILITIES_KEY]: { elicitation: {} } };
  const asked = (await pay(5, "k", { meta })).result;
  const [key] = Object.keys(asked.inputRequests);
  const answer = (sure: unknown) =>
    pay(5, "k", {
      meta,
      extra: {
        inputResponses: { [key]: { action: "accept", content: { sure } } },
      },
    });
  const { error } = await answer("perhaps");
  assert.equal(error!.code, -32602);
  assert.ok(error!.message.includes(key));
  assert.equal((await answer(true)).result.content[0].text, "paid 5, true");
});

Deno.test("rounds: who waits for a call that asks has its own turn", async () => {
  const { begun, begin, end } = later();
  await using shop = makeServer(async (_amount, ctx) => {
    begin();
    await end.promise;
    await ctx.elicit({
      message: "Sure?",
      requestedSchema: { type: "object", properties: {} },
    });
    return "paid";
  });
  const { pay } = shop;
  const meta = { [CAPABILITIES_KEY]: { elicitation: {} } };
  const calls = [pay(5, "k", { meta }), pay(5, "k", { meta })];
  await begun;
  end.resolve(undefined);
  for (const { result } of await Promise.all(calls)) {
    assert.equal(result.resultType, "input_required");
  }
});

Deno.test("tasks: a repeat gets the task that was begun", async () => {
  await using shop = makeServer((amount, ctx) =>
    ctx.runAsTask(() => `paid ${amount}`)
  );
  const { seen, pay } = shop;
  const tasks = "io.modelcontextprotocol/tasks";
  const meta = { [CAPABILITIES_KEY]: { extensions: { [tasks]: {} } } };
  const first = (await pay(5, "k", { meta })).result;
  assert.equal(first.resultType, "task");
  const { taskId } = (await pay(5, "k", { meta })).result;
  assert.equal(taskId, first.taskId);
  assert.equal(seen.runs, 1);
});

Deno.test("options that can't be kept are refused", () => {
  const tool = (config: Partial<ToolConfig>) => () =>
    makeServer(undefined, config);
  assert.throws(tool({ idempotent: {} as never }), /idempotent.ttlMs must be/);
  assert.throws(tool({ idempotent: true as never }), /idempotent: the options/);
  assert.throws(
    tool({ idempotent: { ttlMs: 1, store: 1 } as never }),
    /idempotent has no option "store"/,
  );
  assert.throws(
    tool({
      idempotent: { ttlMs: 1 },
      cache: { ttlMs: 1 },
      annotations: { readOnlyHint: true },
    }),
    /idempotent is for tools that change something, and cache for those/,
  );
});

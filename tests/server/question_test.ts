import assert from "node:assert/strict";
import { z } from "zod";
import {
  inputRequired,
  linkedPair,
  McpServer,
  type ServerContext,
  UrlElicitationRequiredError,
} from "../../mod.ts";
import {
  checkedAnswer,
  missingCapability,
} from "../../src/server/questions/client_question.ts";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";

const FORM = {
  mode: "form",
  message: "?",
  requestedSchema: {
    type: "object",
    properties: { age: { type: "integer", minimum: 0 } },
    required: ["age"],
  },
};
const PAGE = { mode: "url", message: "Sign in", url: "https://example.com/" };
const TOOLS = [{ name: "look", inputSchema: { type: "object" } }];

function sampling(more: Loose = {}): Loose {
  return {
    method: "sampling/createMessage",
    params: {
      messages: [{ role: "user", content: { type: "text", text: "hi" } }],
      maxTokens: 5,
      ...more,
    },
  };
}

const form = { method: "elicitation/create", params: FORM };
const page = { method: "elicitation/create", params: PAGE };
const roots = { method: "roots/list" };

/** What a question needs that a client of some capabilities did not declare. */
const DECLARED: [question: Loose, has: Loose, lacks: Loose | undefined][] = [
  [form, {}, { elicitation: {} }],
  [form, { elicitation: {} }, undefined],
  [form, { elicitation: { form: {} } }, undefined],
  [form, { elicitation: { url: {} } }, { elicitation: { form: {} } }],
  [page, {}, { elicitation: { url: {} } }],
  [page, { elicitation: {} }, { elicitation: { url: {} } }],
  [page, { elicitation: { url: {} } }, undefined],
  [sampling(), {}, { sampling: {} }],
  [sampling(), { sampling: {} }, undefined],
  [sampling({ tools: TOOLS }), { sampling: {} }, { sampling: { tools: {} } }],
  [
    sampling({ toolChoice: { mode: "none" } }),
    { sampling: {} },
    { sampling: { tools: {} } },
  ],
  [sampling({ tools: TOOLS }), { sampling: { tools: {} } }, undefined],
  [sampling({ includeContext: "none" }), { sampling: {} }, undefined],
  [
    sampling({ includeContext: "thisServer" }),
    { sampling: {} },
    { sampling: { context: {} } },
  ],
  [
    sampling({ includeContext: "allServers" }),
    { sampling: { context: {} } },
    undefined,
  ],
  [
    sampling({ task: { ttl: 1 } }),
    { sampling: {} },
    { tasks: { requests: { sampling: { createMessage: {} } } } },
  ],
  [roots, {}, { roots: {} }],
  [roots, { roots: {} }, undefined],
];

for (const [question, has, lacks] of DECLARED) {
  const what = JSON.stringify([question.method, question.params?.mode, has]);
  Deno.test(`questions: ${what} lacks ${JSON.stringify(lacks)}`, () => {
    assert.deepEqual(
      missingCapability(question as never, {
        revision: "2025-11-25",
        clientCapabilities: has,
      }),
      lacks,
    );
  });
}

Deno.test("questions: a client from before sampling.context takes any context", () => {
  assert.equal(
    missingCapability(sampling({ includeContext: "thisServer" }) as never, {
      revision: "2025-06-18",
      clientCapabilities: { sampling: {} },
    }),
    undefined,
  );
});

const use = (...ids: string[]) => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool_use", id, name: "look", input: {} })),
});
const results = (...ids: string[]) => ({
  role: "user",
  content: ids.map((toolUseId) => ({
    type: "tool_result",
    toolUseId,
    content: [],
  })),
});
const said = { role: "user", content: { type: "text", text: "hi" } };

const BALANCED: [messages: Loose[], fault: RegExp | undefined][] = [
  [[said], undefined],
  [[said, use("a"), results("a")], undefined],
  [[said, use("a", "b"), results("b", "a"), said], undefined],
  [[said, use("a"), results("a"), use("b"), results("b")], undefined],
  [[said, use("a")], /messages\[2\] must have the result of a/],
  [[said, use("a"), said], /messages\[2\] must have the result of a/],
  [[said, use("a", "b"), results("a")], /must have the result of b/],
  [[said, results("a")], /messages\[1\] has the result of a/],
  [[said, use("a"), results("a", "z")], /has the result of z/],
  [
    [said, use("a"), {
      role: "user",
      content: [...results("a").content, said.content],
    }],
    /messages\[2\] must hold nothing beside/,
  ],
  [
    [said, use("a"), results("a"), results("a")],
    /messages\[3\] has the result/,
  ],
];

for (const [index, [messages, fault]] of BALANCED.entries()) {
  Deno.test(`questions: tool results are balanced (${index})`, () => {
    const check = () =>
      missingCapability(sampling({ messages }) as never, {
        revision: "2025-11-25",
        clientCapabilities: { sampling: { tools: {} } },
      });
    if (fault === undefined) assert.equal(check(), undefined);
    else assert.throws(check, { code: -32602, message: fault });
  });
}

const ANSWERS: [question: Loose, answer: unknown, fault: RegExp | undefined][] =
  [
    [form, { action: "accept", content: { age: 3 } }, undefined],
    [form, { action: "accept", content: { age: -1 } }, /age/],
    [form, { action: "accept" }, /age/],
    [form, { action: "decline" }, undefined],
    [form, { action: "agree" }, /action must be/],
    [form, "accept", /must be an object/],
    [page, { action: "accept" }, undefined],
    [page, {}, /action must be/],
    [roots, { roots: [{ uri: "file:///a", name: "a" }] }, undefined],
    [roots, { roots: [{ uri: "https://a/" }] }, /file:\/\//],
    [roots, { roots: "none" }, /roots must be/],
    [roots, {}, /roots must be/],
    [
      sampling(),
      { role: "assistant", model: "m", content: said.content },
      undefined,
    ],
    [
      sampling(),
      { role: "assistant", model: "m", content: [said.content] },
      undefined,
    ],
    [sampling(), { role: "assistant", content: said.content }, /model/],
    [sampling(), { role: "robot", model: "m", content: said.content }, /role/],
    [sampling(), { role: "user", model: "m", content: ["hi"] }, /content/],
    ...[
      { type: "text" },
      { type: "image", data: "not base64!", mimeType: "image/png" },
      { type: "tool_use", id: "a", name: "look" },
      { type: "tool_result", toolUseId: "a", content: [{ type: "text" }] },
      { type: "hologram" },
    ].map((content): [Loose, unknown, RegExp] => [
      sampling(),
      { role: "assistant", model: "m", content: [said.content, content] },
      /content must be blocks/,
    ]),
    ...[use("a").content, results("a").content].map((
      content,
    ): [Loose, unknown, undefined] => [
      sampling(),
      { role: "assistant", model: "m", content },
      undefined,
    ]),
  ];

for (const [question, answer, fault] of ANSWERS) {
  const what = `${question.method} ${JSON.stringify(answer)}`;
  Deno.test(`answers are held to their question: ${what}`, async () => {
    const checking = checkedAnswer(question as never, answer);
    if (fault === undefined) assert.deepEqual(await checking, answer);
    else await assert.rejects(checking, { code: -32602, message: fault });
  });
}

/** Every way of asking for an age, a message of the model's, and the roots. */
const WAYS: Record<
  string,
  Partial<Record<"form" | "tools" | "roots", (ctx: ServerContext) => unknown>>
> = {
  ctx: {
    form: (ctx) => ctx.elicit(FORM as never),
    tools: (ctx) => ctx.sample(sampling({ tools: TOOLS }).params),
    roots: (ctx) => ctx.listRoots(),
  },
  schema: {
    form: (ctx) =>
      ctx.elicit({
        message: "?",
        requestedSchema: z.object({ age: z.number().int().min(0) }),
      }),
  },
  mcpReq: {
    form: (ctx) => ctx.mcpReq.elicitInput(FORM as never),
    tools: (ctx) =>
      ctx.mcpReq.requestSampling(sampling({ tools: TOOLS }).params),
  },
  send: {
    form: (ctx) => ctx.mcpReq.send(form),
    tools: (ctx) => ctx.mcpReq.send(sampling({ tools: TOOLS }) as never),
    roots: (ctx) => ctx.mcpReq.send(roots),
  },
  sendRequest: {
    form: (ctx) => ctx.sendRequest(form, z.looseObject({})),
    tools: (ctx) =>
      ctx.sendRequest(sampling({ tools: TOOLS }) as never, z.looseObject({})),
    roots: (ctx) => ctx.sendRequest(roots, z.looseObject({})),
  },
  task: {
    form: (ctx) => ctx.runAsTask((task) => task.elicit(FORM as never)),
    tools: (ctx) =>
      ctx.runAsTask((task) => task.sample(sampling({ tools: TOOLS }).params)),
  },
  inputRequired: {
    form: (ctx) =>
      ctx.mcpReq.inputResponses ??
        inputRequired({ inputRequests: { a: form as never } }),
    tools: (ctx) =>
      ctx.mcpReq.inputResponses ?? inputRequired({
        inputRequests: { a: sampling({ tools: TOOLS }) as never },
      }),
    roots: (ctx) =>
      ctx.mcpReq.inputResponses ??
        inputRequired({ inputRequests: { a: roots as never } }),
  },
};

interface Asking {
  readonly capabilities?: Loose;
  readonly answers?: Record<string, () => unknown>;
}

async function asking(
  era: "modern" | "legacy" | "v1",
  { capabilities, answers }: Asking,
): Promise<{ server: McpServer; client: TestClient }> {
  const server = new McpServer({ name: "asker", version: "1.0.0" }, {
    log: () => {},
  });
  for (const [way, questions] of Object.entries(WAYS)) {
    for (const [what, ask] of Object.entries(questions)) {
      server.registerTool(
        `${way}-${what}`,
        {},
        async (ctx) => JSON.stringify(await ask(ctx)),
      );
      if (way === "inputRequired") {
        server.registerTool(
          `raw-${way}-${what}`,
          {},
          (ctx) => ask(ctx) as object,
        );
      }
    }
  }
  const low = server.server;
  const lowWays = {
    form: () => low.elicitInput(FORM as never),
    tools: () => low.createMessage(sampling({ tools: TOOLS }).params),
    roots: () => low.listRoots(),
    request: () => low.request(form),
  };
  for (const [what, ask] of Object.entries(lowWays)) {
    server.registerTool(
      `low-${what}`,
      {},
      async () => JSON.stringify(await ask()),
    );
  }
  const [near, far] = linkedPair();
  await server.connect(far);
  const setup = { capabilities, answers };
  const client = era === "v1"
    ? await connectV1(near, setup)
    : await connectV2(near, era, setup);
  return { server, client };
}

/** The tools that ask: those of a question's own result under another name. */
function askers(era: string): string[] {
  const ways = Object.entries(WAYS).flatMap(([way, questions]) =>
    Object.keys(questions).map((what) =>
      way === "inputRequired" ? `raw-${way}-${what}` : `${way}-${what}`
    )
  );
  return era === "modern"
    ? ways
    : [...ways, "low-form", "low-tools", "low-roots", "low-request"];
}

for (const era of ["v1", "legacy", "modern"] as const) {
  Deno.test(`a client that declared nothing is asked nothing, in no way (${era})`, async () => {
    const { server, client } = await asking(era, {});
    for (const name of askers(era)) {
      const outcome = await client.tool(name).catch((error) => error);
      const text = outcome instanceof Error ? outcome.message : textOf(outcome);
      assert.match(text, /does not support|Missing required/, name);
    }
    const asked = client.received.filter(({ method, id }) =>
      id !== undefined && method !== undefined
    );
    assert.deepEqual(asked, []);
    await client.close();
    await server.close();
  });

  Deno.test(`an answer that can't be one reaches no handler, in no way (${era})`, async () => {
    const { server, client } = await asking(era, {
      capabilities: {
        elicitation: {},
        roots: {},
        sampling: { tools: {} },
      },
      answers: {
        "elicitation/create": () => ({
          action: "accept",
          content: { age: "old" },
        }),
      },
    });
    const forms = askers(era).filter((name) => /form|request/.test(name));
    for (const name of forms) {
      const outcome = await client.tool(name).catch((error) => error);
      const text = outcome instanceof Error ? outcome.message : textOf(outcome);
      assert.match(text, /age/, name);
      assert.doesNotMatch(text, /"age":"old"/, name);
    }
    await client.close();
    await server.close();
  });
}

for (const era of ["v1", "legacy"] as const) {
  Deno.test(`a question's progress comes back, and counts its time anew (${era})`, async () => {
    const server = new McpServer({ name: "asker", version: "1.0.0" });
    server.registerTool("ask", {}, async (ctx) => {
      const heard: unknown[] = [];
      const { role } = await ctx.mcpReq.send<{ role: string }>(
        sampling() as never,
        {
          onprogress: (progress) => heard.push(progress),
          resetTimeoutOnProgress: true,
          timeout: 150,
        },
      );
      return { role, heard };
    });
    const [near, far] = linkedPair();
    await server.connect(far);
    const setup = { capabilities: { sampling: {} }, answers: {} };
    const client = era === "v1"
      ? await connectV1(near, setup)
      : await connectV2(near, era, setup);
    client.transport.onmessage = ((onmessage) => async (message: Loose) => {
      if (message.method !== "sampling/createMessage") {
        return onmessage(message);
      }
      const { progressToken } = message.params._meta;
      for (let progress = 1; progress <= 4; progress++) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        await client.transport.send({
          jsonrpc: "2.0",
          method: "notifications/progress",
          params: { progressToken, progress, total: 4 },
        });
      }
      await client.transport.send({
        jsonrpc: "2.0",
        id: message.id,
        result: { role: "assistant", model: "m", content: said.content },
      });
    })(client.transport.onmessage);
    const { structuredContent } = await client.tool("ask");
    assert.deepEqual(structuredContent, {
      role: "assistant",
      heard: [1, 2, 3, 4].map((progress) => ({ progress, total: 4 })),
    });
    await client.close();
    await server.close();
  });

  Deno.test(`a page that an error asks for is told to be done with, once (${era})`, async () => {
    const server = new McpServer({ name: "asker", version: "1.0.0" });
    const pages = ["one", "two"].map((elicitationId) => ({
      ...PAGE,
      mode: "url" as const,
      elicitationId,
    }));
    server.registerTool("ours", {}, () => {
      throw new UrlElicitationRequiredError(pages);
    });
    // As an author has it who still throws the official SDK's.
    server.registerTool("theirs", {}, () => {
      throw Object.assign(new Error("sign in"), {
        code: -32042,
        data: { elicitations: [{ ...pages[0], elicitationId: "three" }] },
      });
    });
    const [near, far] = linkedPair();
    await server.connect(far);
    const setup = { capabilities: { elicitation: { url: {} } } };
    const client = era === "v1"
      ? await connectV1(near, setup)
      : await connectV2(near, era, setup);
    for (const name of ["ours", "theirs"]) {
      await assert.rejects(client.tool(name), { code: -32042 });
    }
    for (const id of ["one", "three", "three", "unknown", "two"]) {
      await server.server.createElicitationCompletionNotifier(id)();
    }
    const completed = () =>
      client.heard.filter(({ method }) =>
        method === "notifications/elicitation/complete"
      ).map(({ params }) => params.elicitationId);
    await eventually(() => completed().length === 3);
    assert.deepEqual(completed(), ["one", "three", "two"]);
    await client.close();
    await server.close();
  });
}

Deno.test("a handler that counts on the repeat after its URL error gets it, in 2026-07-28 too", async () => {
  const server = new McpServer({ name: "asker", version: "1.0.0" }, {
    log: () => {},
  });
  const told = new Set<string>();
  /** Throws on the first call of each pair, as one would for a legacy client. */
  async function handler(ctx: ServerContext, name: string): Promise<string> {
    if (told.delete(name)) {
      const { action } = await ctx.elicit({ ...PAGE, mode: "url" });
      return action;
    }
    told.add(name);
    const page = { ...PAGE, mode: "url" as const, elicitationId: "1" };
    throw new UrlElicitationRequiredError([{ ...page, url: `${PAGE.url}/0` }]);
  }
  server.registerTool("once", {}, (ctx) => handler(ctx, "tool"));
  server.registerPrompt("once", {}, async (ctx) => {
    const text = await handler(ctx, "prompt");
    return { messages: [{ role: "user", content: { type: "text", text } }] };
  });
  server.registerTool("never", {}, () => {
    throw new UrlElicitationRequiredError([
      { ...PAGE, mode: "url", elicitationId: "1" },
    ]);
  });
  const opened: string[] = [];
  const [near, far] = linkedPair();
  await server.connect(far);
  const client = await connectV2(near, "modern", {
    capabilities: { elicitation: { url: {} } },
    answers: {
      "elicitation/create": ({ url }) => {
        opened.push(url);
        return { action: "accept" };
      },
    },
  });
  assert.equal(textOf(await client.tool("once")), "accept");
  const { messages } = await client.ask("prompts/get", { name: "once" });
  assert.equal(messages[0].content.text, "accept");
  assert.deepEqual(opened.splice(0), [
    ...[`${PAGE.url}/0`, PAGE.url],
    ...[`${PAGE.url}/0`, PAGE.url],
  ]);
  await assert.rejects(client.tool("never"), /have been opened, but/);
  assert.deepEqual(opened, [PAGE.url]);
  await client.close();
  await server.close();
});

for (const legacy of [true, false]) {
  Deno.test(`a form against its schema is its client's fault, whichever it is (${legacy ? "legacy" : "modern"})`, async () => {
    const logged: unknown[] = [];
    const server = new McpServer({ name: "asker", version: "1.0.0" }, {
      log: (record) => void logged.push(record),
      maskErrors: true,
    });
    server.registerTool("ages", {}, async (ctx) => {
      const ages = [];
      for (const _ of [1, 2]) ages.push(await ctx.elicit(FORM as never));
      return ages.map(({ content }: Loose) => content?.age).join();
    });
    const [near, far] = linkedPair();
    await server.connect(far);
    let given: unknown[] = [];
    const setup = {
      capabilities: { elicitation: {} },
      answers: {
        "elicitation/create": () => ({
          action: "accept",
          content: { age: given.shift() },
        }),
      },
    };
    const client = legacy
      ? await connectV1(near, setup)
      : await connectV2(near, "modern", setup);
    logged.length = 0;
    for (const ages of [["old"], [7, "old"]]) {
      given = ages;
      const outcome = await client.tool("ages").catch((error) => error);
      if (legacy) {
        assert.equal(outcome.isError, true);
        assert.match(textOf(outcome), /does not match .*: age/);
      } else {
        assert.equal(outcome.code, -32602);
        assert.match(
          outcome.message,
          /"elicit-\d-[^"]+" does not match .*: age/,
        );
      }
    }
    given = [7, 8];
    assert.equal(textOf(await client.tool("ages")), "7,8");
    assert.deepEqual(logged, []);
    await client.close();
    await server.close();
  });
}

for (const outcome of [{ result: 5 }, { result: null }, { error: "no" }]) {
  Deno.test(`who asked is told of an answer that is none: ${JSON.stringify(outcome)}`, async () => {
    const server = new McpServer({ name: "asker", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("ask", {}, (ctx) => ctx.elicit(FORM as never));
    const [near, far] = linkedPair();
    await server.connect(far);
    const client = await connectV1(near, { capabilities: { elicitation: {} } });
    client.transport.onmessage = ((onmessage) => (message: Loose) =>
      message.method === "elicitation/create"
        ? client.transport.send(
          { jsonrpc: "2.0", id: message.id, ...outcome } as never,
        )
        : onmessage(message))(client.transport.onmessage);
    const text = textOf(await client.tool("ask"));
    assert.match(text, /the client's answer is invalid: (result|error) must/);
    await client.close();
    await server.close();
  });
}

import assert from "node:assert/strict";
import { z } from "zod";
import {
  completable,
  type DeclaredCapabilities,
  fromJsonSchema,
  InvalidOptionError,
  type JsonSchemaValidators,
  linkedPair,
  McpServer,
  type McpServerOptions,
  ResourceTemplate,
  SUPPORTED_REVISIONS,
} from "../../mod.ts";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";

type Era = "modern" | "legacy" | "v1";
const ERAS: Era[] = ["v1", "legacy", "modern"];
const TASKS = "io.modelcontextprotocol/tasks";

function serverOf(options: McpServerOptions): McpServer {
  const server = new McpServer({ name: "declared", version: "1.0.0" }, {
    log: () => {},
    ...options,
  });
  server.registerTool("say", {}, (ctx) => {
    ctx.log.error("said");
    return "said";
  });
  server.registerTool("work", {}, (ctx) => ctx.runAsTask(() => "done"));
  server.registerPrompt("p", {
    argsSchema: { a: completable(z.string(), () => ["x"]) },
  }, () => "hi");
  server.registerResource("r", "a://r", {}, () => "x");
  return server;
}

async function connected(server: McpServer, era: Era): Promise<TestClient> {
  const [near, far] = linkedPair();
  await server.connect(far);
  return era === "v1" ? await connectV1(near) : await connectV2(near, era);
}

const ALL = { listChanged: true };
const REST = {
  tools: ALL,
  prompts: ALL,
  resources: { ...ALL, subscribe: true },
};

/** What is declared, and what a legacy client is told. */
const DECLARED: [DeclaredCapabilities | undefined, Loose][] = [
  [undefined, { logging: {}, completions: {}, ...REST }],
  [{}, { completions: {}, ...REST }],
  [{ logging: {} }, { logging: {}, completions: {}, ...REST }],
  [{ logging: false }, { completions: {}, ...REST }],
  [{ completions: false }, REST],
  [
    { tools: { listChanged: false } },
    { completions: {}, ...REST, tools: { listChanged: false } },
  ],
  [{ resources: {} }, { completions: {}, ...REST, resources: ALL }],
  [
    { resources: { subscribe: false, listChanged: false } },
    {
      completions: {},
      ...REST,
      resources: { subscribe: false, listChanged: false },
    },
  ],
  [
    { resources: { subscribe: true } },
    { completions: {}, ...REST },
  ],
  // Nobody here answers tasks/get of 2025-11-25.
  [{ tasks: { list: {} } }, { completions: {}, ...REST }],
  [
    { experimental: { mine: {} } },
    { completions: {}, experimental: { mine: {} }, ...REST },
  ],
];

for (const [declared, told] of DECLARED) {
  Deno.test(`declared ${JSON.stringify(declared)}: clients are told as much`, async () => {
    for (const era of ERAS) {
      await using server = serverOf({ capabilities: declared });
      const client = await connected(server, era);
      const { extensions: _, ...capabilities } = client.raw
        .getServerCapabilities();
      assert.deepEqual(capabilities, told, era);
      await client.close();
    }
  });
}

Deno.test("declared alone, lists are shown as they were declared", async () => {
  for (const era of ["v1", "legacy"] as const) {
    for (const declared of [{}, { prompts: {} }, { resources: ALL }]) {
      const server = new McpServer({ name: "bare", version: "1.0.0" }, {
        capabilities: declared,
      });
      const client = await connected(server, era);
      assert.deepEqual(client.raw.getServerCapabilities(), declared);
      await client.close();
      await server.close();
    }
  }
});

Deno.test("what is switched off is neither answered nor sent", async () => {
  const off: DeclaredCapabilities = {
    logging: false,
    completions: false,
    tasks: false,
    tools: { listChanged: false },
    resources: { listChanged: false, subscribe: false },
  };
  for (const era of ERAS) {
    for (const capabilities of [undefined, off]) {
      await using server = serverOf({ capabilities });
      const on = capabilities === undefined;
      const client = await connected(server, era);
      const answers = async (method: string, params: Loose) => {
        const outcome = await client.ask(method, params).catch((error) =>
          error
        );
        assert.equal(outcome instanceof Error, !on, `${era} ${method}`);
        if (!on) assert.equal(outcome.code, -32601);
      };
      await answers("completion/complete", {
        ref: { type: "ref/prompt", name: "p" },
        argument: { name: "a", value: "" },
      });
      if (era !== "modern") {
        await answers("logging/setLevel", { level: "debug" });
        await answers("resources/subscribe", { uri: "a://r" });
        await answers("resources/unsubscribe", { uri: "a://r" });
        await server.server.sendLoggingMessage({ level: "error", data: 1 });
      }
      await client.tool("say", {}, { logLevel: "debug" });
      server.registerTool("another", {}, () => 1);
      server.registerPrompt("another", {}, () => "hi");
      server.sendToolListChanged();
      server.sendResourceListChanged();
      server.sendResourceUpdated("a://r");
      if (era !== "modern") {
        await client.hears("notifications/prompts/list_changed");
      }
      const heard = new Set(client.heard.map(({ method }) => method));
      for (
        const method of [
          "notifications/message",
          ...(era === "modern" ? [] : [
            "notifications/tools/list_changed",
            "notifications/resources/list_changed",
          ]),
        ]
      ) assert.equal(heard.has(method), on, `${era} ${method}`);
      await client.close();
    }
  }
});

Deno.test("a stream of subscriptions is promised only what is announced", async () => {
  const wanted = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourcesListChanged: true,
    resourceSubscriptions: ["a://r"],
  };
  const cases: [DeclaredCapabilities, Loose][] = [
    [{}, wanted],
    [
      { tools: { listChanged: false }, resources: { listChanged: false } },
      { promptsListChanged: true },
    ],
    [{ resources: { subscribe: true } }, wanted],
  ];
  for (const [capabilities, agreed] of cases) {
    await using server = serverOf({ capabilities });
    const controller = new AbortController();
    const heard: Loose[] = [];
    const listening = server.call("subscriptions/listen", {
      notifications: wanted,
    }, {
      signal: controller.signal,
      onNotification: (each) => heard.push(each),
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(heard[0].params.notifications, agreed);
    controller.abort();
    await listening.catch(() => {});
  }
});

Deno.test("tasks are switched off by what is declared", async () => {
  const knowing = { capabilities: { extensions: { [TASKS]: {} } } };
  const cases: [DeclaredCapabilities | undefined, boolean][] = [
    [undefined, true],
    [{}, true],
    [{ extensions: { [TASKS]: {} } }, true],
    [{ extensions: { "com.example/mine": {} } }, false],
    [{ tasks: false }, false],
  ];
  for (const [capabilities, on] of cases) {
    await using server = serverOf({ capabilities });
    const found = await server.call("server/discover") as Loose;
    assert.equal(TASKS in (found.capabilities.extensions ?? {}), on);
    const result = await server.call("tools/call", { name: "work" }, knowing);
    assert.equal(result.resultType, on ? "task" : "complete");
    await assert.rejects(
      server.call("tasks/get", { taskId: "none" }, knowing),
      { code: on ? -32602 : -32601 },
    );
  }
});

Deno.test("supportedProtocolVersions narrow what is spoken", async () => {
  await using legacy = serverOf({
    supportedProtocolVersions: ["2025-06-18", "2025-03-26"],
  });
  const client = await connected(legacy, "legacy");
  assert.equal(client.raw.getNegotiatedProtocolVersion(), "2025-06-18");
  await client.close();
  await assert.rejects(connected(legacy, "modern"), /2026-07-28/);
  await using modern = serverOf({ supportedProtocolVersions: ["2026-07-28"] });
  const { supportedVersions } = await modern.call("server/discover");
  assert.deepEqual(supportedVersions, ["2026-07-28"]);
  await assert.rejects(connected(modern, "v1"), /Unsupported protocol version/);
  // The official SDK's own list has one that never was.
  await using all = serverOf({
    supportedProtocolVersions: [...SUPPORTED_REVISIONS, "2024-10-07"],
  });
  assert.deepEqual(
    (await all.call("server/discover")).supportedVersions,
    SUPPORTED_REVISIONS,
  );
  for (const none of [[], ["1999-01-01"], "2025-06-18"]) {
    assert.throws(
      () => serverOf({ supportedProtocolVersions: none as never }),
      InvalidOptionError,
    );
  }
  const answer = async (server: McpServer, version: string) =>
    await server.fetch(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "accept": "application/json, text/event-stream",
          "mcp-protocol-version": version,
          "mcp-method": "tools/list",
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/list",
          params: version === "2026-07-28"
            ? {
              _meta: {
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientCapabilities": {},
              },
            }
            : {},
        }),
      }),
    );
  const refused = await answer(legacy, "2026-07-28");
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).error.code, -32022);
  assert.equal((await answer(modern, "2026-07-28")).status, 200);
});

Deno.test("an option that nobody reads is refused by name, with what may be meant", async () => {
  const server = serverOf({});
  const odd: [() => unknown, RegExp][] = [
    [
      () => serverOf({ pagesize: 3 } as never),
      /"pagesize": did you mean pageSize/,
    ],
    [() => serverOf({ maskErrors: true, whatever: 1 } as never), /"whatever"$/],
    [
      () => serverOf({ requestState: { ky: "x" } } as never),
      /requestState has no option "ky": did you mean key/,
    ],
    [() => serverOf({ health: { readyness: "checks" } } as never), /readiness/],
    [() => serverOf({ watchdog: { blocked: 9 } } as never), /blockedMs/],
    [() => serverOf({ tasks: { ttl: 9 } } as never), /tasks has no .*ttlMs/],
    [
      () => serverOf({ sessions: "false" } as never),
      /sessions must be true or/,
    ],
    [
      () => serverOf({ instructions: 3 } as never),
      /instructions must be a str/,
    ],
    [
      () => new McpServer({ name: "a", version: "1" }, 3 as never),
      /McpServer: the options must be an object, got 3/,
    ],
    [
      () => new McpServer({ name: "a" } as never),
      /the server's version must be/,
    ],
    [() => server.use(3 as never), /a middleware must be a function, got 3/],
    [() => server.mount("m", {} as never), /an McpServer, got an object/],
    [
      () => server.registerTool("t", { description: 3 } as never, () => 1),
      /tool t: description must be a string, got 3/,
    ],
    [
      () => serverOf({ tasks: true } as never),
      /tasks: the options must be an object, got true/,
    ],
    [
      () => serverOf({ cacheHints: { "tool/list": {} } } as never),
      /cacheHints has no option "tool\/list": did you mean tools\/list/,
    ],
    [
      () => serverOf({ cacheHints: { "tools/list": { ttl: 9 } } } as never),
      /cacheHints: tools\/list has no option "ttl": did you mean ttlMs/,
    ],
    [
      () =>
        server.registerTool("t", {
          annotations: { readOnlyHint: true },
          cache: { ttl: 9 },
        } as never, () => 1),
      /tool t: cache has no option "ttl": did you mean ttlMs/,
    ],
    [
      () => server.registerTool("t", { timeout: 3 } as never, () => 1),
      /tool t has no option "timeout": did you mean timeoutMs/,
    ],
    [
      () => server.registerTool("t", { input_schema: {} } as never, () => 1),
      /did you mean inputSchema/,
    ],
    [
      () => server.registerPrompt("q", { argSchema: {} } as never, () => ""),
      /prompt q has no option "argSchema": did you mean argsSchema/,
    ],
    [
      () =>
        server.registerResource(
          "q",
          "a://q",
          { mimetype: "" } as never,
          () => "",
        ),
      /did you mean mimeType/,
    ],
    [
      () =>
        server.registerResource(
          "q",
          new ResourceTemplate("q://{x}"),
          { cacheHints: {} } as never,
          () => "",
        ),
      /did you mean cacheHint/,
    ],
  ];
  for (const [make, says] of odd) {
    assert.throws(make, { name: "InvalidOptionError", message: says });
  }
  await assert.rejects(
    server.serve({ prot: 1 } as never),
    /serve has no option "prot": did you mean port/,
  );
  await assert.rejects(
    server.serveStdio({ signal: undefined, singals: false } as never),
    /serveStdio has no option "singals": did you mean signals/,
  );
  assert.throws(
    () =>
      new ResourceTemplate("q://{x}", { lists: undefined, listt: 1 } as never),
    /"listt": did you mean list/,
  );
  // What is left out on purpose, and what the official SDK takes.
  serverOf({
    instructions: undefined,
    enforceStrictCapabilities: true,
    debouncedNotificationMethods: [],
    taskStore: {},
  });
  server.registerTool(
    "t",
    { title: undefined, scopeChallenge: {} } as never,
    () => 1,
  );
});

Deno.test("fromJsonSchema takes another validator, in the official SDK's shape", async () => {
  const compiled: unknown[] = [];
  const even: JsonSchemaValidators = {
    getValidator: <T>(schema: Loose) => {
      compiled.push(schema);
      return (value: unknown) =>
        (value as { n: number }).n % 2 === 0
          ? { valid: true, data: value as T }
          : { valid: false, errorMessage: "n must be even" };
    },
  };
  const schema = { type: "object", properties: { n: { type: "number" } } };
  await using server = serverOf({});
  server.registerTool(
    "even",
    { inputSchema: fromJsonSchema<{ n: number }>(schema, even) },
    ({ n }) => n,
  );
  assert.deepEqual(compiled, [schema]);
  const call = async (n: number) =>
    textOf(
      await server.call("tools/call", { name: "even", arguments: { n } }),
    );
  assert.equal(await call(4), "4");
  assert.match(await call(3), /n must be even/);
});

Deno.test("types: what a handler returns and is given follows from its schemas", async () => {
  await using server = new McpServer({ name: "typed", version: "1.0.0" }, {
    lifespan: () => ({ users: ["ada", "bob"] }),
  });
  const outputSchema = z.object({
    n: z.number(),
    unit: z.string().default("m"),
  });
  server.registerTool("value", { outputSchema }, () => ({ n: 1 }));
  server.registerTool("result", { outputSchema }, () => ({
    content: [],
    structuredContent: { n: 1 },
  }));
  server.registerTool("record", {
    outputSchema: { n: z.number(), note: z.string().optional() },
  }, async () => await Promise.resolve({ n: 1 }));
  server.registerTool("steps", { outputSchema }, async function* () {
    yield 1;
    return { n: 1 };
  });
  server.registerTool(
    "task",
    { outputSchema },
    (ctx) => ctx.runAsTask(() => ({ n: 1 })),
  );
  // @ts-expect-error -- a text is no number
  server.registerTool("wrong", { outputSchema }, () => ({ n: "one" }));
  // @ts-expect-error -- a text is no object
  server.registerTool("text", { outputSchema }, () => "one");
  server.registerTool("ask", {}, async (ctx) => {
    const answer = await ctx.elicit({
      message: "?",
      requestedSchema: z.object({ age: z.number() }),
    });
    if (answer.action !== "accept") return answer.action;
    const next: number = answer.content.age + 1;
    return next;
  });
  server.registerResource(
    "user",
    new ResourceTemplate("user://{id}", {
      list: (ctx) => ({
        resources: ctx.lifespan.users.map((name) => ({
          name,
          uri: `user://${name}`,
        })),
      }),
      complete: {
        id: (typed, _others, ctx) =>
          ctx.lifespan.users.filter((each) => each.startsWith(typed)),
      },
    }),
    {},
    (_uri, { id }, ctx) => String(ctx.lifespan.users.includes(String(id))),
  );
  const { completion } = await server.call("completion/complete", {
    ref: { type: "ref/resource", uri: "user://{id}" },
    argument: { name: "id", value: "a" },
  }) as Loose;
  assert.deepEqual(completion.values, ["ada"]);
});

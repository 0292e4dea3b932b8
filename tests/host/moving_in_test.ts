/** A server written for the official SDK's v1, with its imports changed and nothing else. */
import assert from "node:assert/strict";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListPromptsRequestSchema,
  RootsListChangedNotificationSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { z as z3 } from "zod/v3";
import {
  InvalidOptionError,
  linkedPair,
  McpServer,
  type McpServerOptions,
  ResourceTemplate,
} from "../../mod.ts";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const info = { name: "moved", version: "1.0.0" };
const ERAS = ["v1", "legacy", "modern"] as const;

async function connected(
  server: McpServer,
  era: (typeof ERAS)[number],
  setup: Loose = {},
): Promise<TestClient> {
  const [near, far] = linkedPair();
  await server.connect(far);
  return era === "v1"
    ? await connectV1(near, setup)
    : await connectV2(near, era, setup);
}

function quiet(options: McpServerOptions = {}): McpServer {
  return new McpServer(info, { log: () => {}, ...options });
}

for (const era of ERAS) {
  Deno.test(`a schema's method is answered, its request checked (${era})`, async () => {
    await using server = quiet({ capabilities: { tools: {}, prompts: {} } });
    server.server.setRequestHandler(CallToolRequestSchema, (request) => ({
      content: [{ type: "text", text: `called ${request.params.name}` }],
    }));
    server.server.setRequestHandler(ListPromptsRequestSchema, () => ({
      prompts: [{ name: "p" }],
    }));
    server.server.setRequestHandler(
      z.object({
        method: z.literal("shop/four"),
        params: z.object({ count: z.number().default(4) }),
      }),
      ({ params }) => ({ count: params.count }),
    );
    server.server.setRequestHandler(
      z3.object({
        method: z3.literal("shop/three"),
        params: z3.object({ count: z3.number() }),
      }),
      ({ params }) => ({ count: params.count }),
    );
    const client = await connected(server, era);
    assert.equal(textOf(await client.tool("any")), "called any");
    assert.equal((await client.ask("prompts/list")).prompts.length, 1);
    assert.equal((await client.ask("shop/four", {})).count, 4);
    assert.equal((await client.ask("shop/three", { count: 3 })).count, 3);
    for (const method of ["shop/three", "shop/four"]) {
      await assert.rejects(client.ask(method, { count: "many" }), {
        code: -32602,
        message: /count/,
      });
    }
    await client.close();
  });
}

Deno.test("a schema's notification is heard, its parameters checked", async () => {
  await using server = quiet();
  const heard: unknown[] = [];
  const errors: string[] = [];
  server.server.onerror = ({ message }) => errors.push(message);
  server.server.setNotificationHandler(
    RootsListChangedNotificationSchema,
    ({ method }) => void heard.push(method),
  );
  server.server.setNotificationHandler(
    z3.object({
      method: z3.literal("shop/closed"),
      params: z3.object({ till: z3.number() }),
    }),
    ({ params }) => void heard.push(params.till),
  );
  const [near, far] = linkedPair();
  await server.connect(far);
  const client = await connectV1(near, {
    capabilities: { roots: { listChanged: true } },
  });
  await client.raw.sendRootsListChanged();
  for (const till of [3, "three"]) {
    await near.send({
      jsonrpc: "2.0",
      method: "shop/closed",
      params: { till },
    });
  }
  await eventually(() => heard.length === 2 && errors.length === 1);
  assert.deepEqual(heard, ["notifications/roots/list_changed", 3]);
  assert.match(errors[0], /till/);
  await client.close();
});

Deno.test("what can't be registered is refused at once", () => {
  const { server } = quiet();
  const handler = () => ({});
  const odd: [unknown, unknown][] = [
    [{}, handler],
    [undefined, handler],
    ["", handler],
    [z.object({ method: z.string() }), handler],
    [z.object({ params: z.object({}) }), handler],
    [z.object({ method: z.literal(3) }), handler],
    [z3.object({ method: z3.enum(["a", "b"]) }), handler],
    ["a/b", undefined],
    ["a/b", "handler"],
    [CallToolRequestSchema, {}],
  ];
  for (const [first, second] of odd) {
    for (
      const set of ["setRequestHandler", "setNotificationHandler"] as const
    ) {
      assert.throws(
        () => (server as Loose)[set](first, second),
        InvalidOptionError,
      );
    }
  }
  assert.throws(
    () => (server as Loose).setRequestHandler("a/b", { params: {} }, handler),
    InvalidOptionError,
  );
});

for (const era of ERAS) {
  Deno.test(`the handler's second argument has v1's members (${era})`, async () => {
    await using server = quiet();
    server.registerTool(
      "ask",
      { inputSchema: { prompt: z.string() } },
      // The annotation that v1's authors write.
      async ({ prompt }: { prompt: string }, extra: Extra) => {
        const { sendRequest, sendNotification } = extra;
        await sendNotification({
          method: "notifications/message",
          params: { level: "info", data: prompt },
        });
        const form = await sendRequest({
          method: "elicitation/create",
          params: {
            mode: "form",
            message: "?",
            requestedSchema: { type: "object", properties: {} },
          },
        }, ElicitResultSchema);
        const said = await extra.sendRequest({
          method: "sampling/createMessage",
          params: { messages: [], maxTokens: 3 },
        }, CreateMessageResultSchema);
        return {
          content: [{
            type: "text" as const,
            text: JSON.stringify([
              form.action,
              said.model,
              extra._meta?.["example.com/till"],
              extra.requestId !== undefined,
              extra.signal.aborted,
            ]),
          }],
        };
      },
    );
    const client = await connected(server, era, {
      capabilities: { elicitation: {}, sampling: {} },
      answers: {
        "elicitation/create": () => ({ action: "decline" }),
        "sampling/createMessage": () => ({
          role: "assistant",
          model: "m",
          content: { type: "text", text: "hi" },
        }),
      },
    });
    const result = await client.tool("ask", { prompt: "p" }, {
      logLevel: era === "modern" ? "info" : undefined,
      _meta: { "example.com/till": 3 },
    });
    assert.deepEqual(JSON.parse(textOf(result)), [
      "decline",
      "m",
      3,
      true,
      false,
    ]);
    await client.hears("notifications/message", ({ data }) => data === "p");
    await client.close();
  });
}

Deno.test("requestInfo shows the HTTP request as v1 does", async () => {
  await using server = quiet();
  server.registerTool("see", {}, ({ requestInfo }) => ({
    agent: requestInfo?.headers["user-agent"],
    path: requestInfo?.url?.pathname,
  }));
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: "see",
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  });
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "user-agent": "mine",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "see",
      },
    }),
  );
  const { result } = await response.json();
  assert.deepEqual(result.structuredContent, { agent: "mine", path: "/mcp" });
  const { structuredContent } = await server.call("tools/call", {
    name: "see",
  });
  assert.deepEqual(structuredContent, {});
});

Deno.test("tool, prompt and resource take all that v1 took", async () => {
  await using server = quiet();
  const shape = { n: z.number() };
  const hint = { readOnlyHint: true };
  const text = (value: unknown) => ({
    content: [{ type: "text" as const, text: JSON.stringify(value) }],
  });
  server.tool("plain", (extra) => text(typeof extra.signal));
  server.tool("described", "Described", () => text(1));
  server.tool("shaped", shape, ({ n }) => text(n + 1));
  server.tool("hinted", hint, () => text(2));
  server.tool("shaped-described", "Both", shape, ({ n }) => text(n + 2));
  server.tool("hinted-described", "Both", hint, () => text(3));
  server.tool("shaped-hinted", shape, hint, ({ n }) => text(n + 3));
  server.tool(
    "all",
    "All",
    shape,
    hint,
    ({ n }, extra) => text([n, typeof extra.sendNotification]),
  );
  server.tool("empty", {}, (args) => text(args));
  assert.throws(
    () => server.tool("odd", { n: { type: "number" } } as never, () => text(0)),
    InvalidOptionError,
  );
  const messages = (value: string) => ({
    messages: [{
      role: "user" as const,
      content: { type: "text" as const, text: value },
    }],
  });
  server.prompt("plain", () => messages("a"));
  server.prompt("described", "Described", () => messages("b"));
  server.prompt("shaped", { who: z.string() }, ({ who }) => messages(who));
  server.prompt("all", "All", { who: z.string() }, ({ who }) => messages(who));
  const read = (uri: URL) => ({ contents: [{ uri: uri.href, text: "x" }] });
  server.resource("one", "a://one", read);
  server.resource("two", "a://two", { mimeType: "text/plain" }, read);
  server.resource(
    "three",
    new ResourceTemplate("b://{x}", { list: undefined }),
    read,
  );
  server.resource(
    "four",
    new ResourceTemplate("c://{x}", { list: undefined }),
    { description: "Four" },
    (uri, { x }) => ({ contents: [{ uri: uri.href, text: String(x) }] }),
  );

  const { tools } = await server.call("tools/list") as Loose;
  const byName = Object.fromEntries(
    tools.map((tool: Loose) => [tool.name, tool]),
  );
  assert.equal(byName["shaped-described"].description, "Both");
  assert.deepEqual(byName["hinted-described"].annotations, hint);
  assert.deepEqual(byName.all.inputSchema.required, ["n"]);
  const called: [string, unknown][] = [
    ["plain", "object"],
    ["described", 1],
    ["shaped", 6],
    ["hinted", 2],
    ["shaped-described", 7],
    ["hinted-described", 3],
    ["shaped-hinted", 8],
    ["all", [5, "function"]],
    ["empty", {}],
  ];
  for (const [name, value] of called) {
    const result = await server.call("tools/call", {
      name,
      arguments: { n: 5 },
    });
    assert.deepEqual(JSON.parse(textOf(result)), value, name);
  }
  for (const name of ["plain", "described", "shaped", "all"]) {
    const result = await server.call("prompts/get", {
      name,
      arguments: { who: "Ada" },
    }) as Loose;
    assert.equal(result.messages.length, 1);
  }
  for (const uri of ["a://one", "a://two", "b://x", "c://y"]) {
    const result = await server.call("resources/read", { uri }) as Loose;
    assert.equal(result.contents[0].uri, uri);
  }
});

Deno.test("what v1 sends outside handlers goes where it should", async () => {
  await using server = quiet();
  server.registerResource("a", "a://b", {}, () => "x");
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.registerTool("long", {}, async (extra) => {
    for (let progress = 1; progress <= 3; progress++) {
      await server.server.notification({
        method: "notifications/progress",
        params: {
          progress,
          total: 3,
          progressToken: extra._meta!.progressToken!,
        },
      }, { relatedRequestId: extra.requestId });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return "done";
  });
  for (const era of ERAS) {
    const client = await connected(server, era);
    const heard: unknown[] = [];
    await client.tool("long", {}, {
      onprogress: ({ progress }) => heard.push(progress),
    });
    assert.deepEqual(heard, [1, 2, 3], era);
    if (era !== "modern") {
      await client.ask("resources/subscribe", { uri: "a://b" });
      for (const uri of ["a://b", "a://other"]) {
        await server.server.notification({
          method: "notifications/resources/updated",
          params: { uri },
        });
      }
      await client.hears("notifications/resources/updated");
      assert.deepEqual(
        client.heard.filter(({ method }) => method.endsWith("/updated"))
          .map(({ params }) => params.uri),
        ["a://b"],
      );
      assert.equal(
        server.server.getNegotiatedProtocolVersion(),
        "2025-11-25",
      );
    }
    await client.close();
  }
});

Deno.test("oninitialized finds its client, in both eras", async () => {
  for (const era of ERAS) {
    await using server = quiet();
    server.server.oninitialized = () => {
      const { roots } = server.server.getClientCapabilities() ?? {};
      if (roots !== undefined) server.registerTool("roots", {}, () => "here");
    };
    server.registerTool("always", {}, () => "here");
    const client = await connected(server, era, {
      capabilities: { roots: {} },
    });
    await eventually(async () =>
      (await client.ask("tools/list")).tools.length === 2
    );
    assert.match(server.server.getClientVersion()!.name, /^v[12]-client$/);
    await client.close();
  }
});

Deno.test("a tool of v1's whose calls are tasks runs as a task, or is waited for", async () => {
  await using server = quiet({ taskStore: {}, taskMessageQueue: {} });
  server.experimental.tasks.registerToolTask("job", {
    inputSchema: { steps: z.number() },
    execution: { taskSupport: "optional" },
  }, {
    createTask: async ({ steps }, extra) => {
      const task = await extra.taskStore.createTask({ ttl: 1_000 });
      queueMicrotask(async () => {
        const { action } = await extra.sendRequest({
          method: "elicitation/create",
          params: {
            message: "?",
            requestedSchema: { type: "object", properties: {} },
          },
        }, ElicitResultSchema);
        await extra.taskStore.updateTaskStatus(task.taskId, "working", "half");
        await extra.taskStore.storeTaskResult(task.taskId, "completed", {
          content: [{ type: "text", text: `${action} ${steps}` }],
        });
      });
      return { task };
    },
    getTask: (_args, extra) => extra.taskStore.getTask(extra.taskId),
    getTaskResult: async (_args, extra) =>
      await extra.taskStore.getTaskResult(extra.taskId) as never,
  });
  const answers = { "elicitation/create": () => ({ action: "decline" }) };
  for (const era of ["v1", "legacy"] as const) {
    const client = await connected(server, era, {
      capabilities: { elicitation: {} },
      answers,
    });
    const result = await client.tool("job", { steps: 3 });
    assert.equal(textOf(result), "decline 3");
    await client.close();
  }
  const capabilities = {
    elicitation: {},
    extensions: { "io.modelcontextprotocol/tasks": {} },
  };
  const call = (method: string, params: Loose) =>
    server.call(method, params, { capabilities });
  const { taskId, resultType } = await call("tools/call", {
    name: "job",
    arguments: { steps: 5 },
  }) as Loose;
  assert.equal(resultType, "task");
  let task: Loose = {};
  await eventually(async () => {
    task = await call("tasks/get", { taskId });
    return task.status === "input_required";
  });
  const [key] = Object.keys(task.inputRequests);
  await call("tasks/update", {
    taskId,
    inputResponses: { [key]: { action: "cancel" } },
  });
  await eventually(async () => {
    task = await call("tasks/get", { taskId });
    return task.status === "completed";
  });
  assert.equal(textOf(task.result), "cancel 5");
});

Deno.test("a subscribe of one's own hears of streams, of the first and of the last", async () => {
  await using server = quiet();
  server.registerResource("a", "a://b", {}, () => "x");
  const told: string[] = [];
  for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
    server.server.setRequestHandler(method, ({ params }) => {
      told.push(`${method} ${params.uri}`);
      return {};
    });
  }
  const listen = () => {
    const controller = new AbortController();
    const heard: Loose[] = [];
    const ended = server.call("subscriptions/listen", {
      notifications: { resourceSubscriptions: ["a://b", "a://b"] },
    }, {
      signal: controller.signal,
      onNotification: (each) => heard.push(each),
    }).catch(() => {});
    return {
      heard,
      end: async () => {
        controller.abort();
        await ended;
      },
    };
  };
  const streams = [listen(), listen()];
  await eventually(() => streams.every(({ heard }) => heard.length === 1));
  await eventually(() => told.length === 1);
  await server.server.sendResourceUpdated({ uri: "a://b" });
  await eventually(() => streams.every(({ heard }) => heard.length === 2));
  await streams[0].end();
  assert.deepEqual(told, ["resources/subscribe a://b"]);
  await streams[1].end();
  await eventually(() => told.length === 2);
  assert.equal(told[1], "resources/unsubscribe a://b");
});

Deno.test("what oninitialized asks is asked of a client of 2026-07-28 with its first call", async () => {
  for (const era of ERAS) {
    await using server = quiet();
    const allowed: string[] = ["from the command line"];
    server.server.oninitialized = async () => {
      if (!server.server.getClientCapabilities()?.roots) return;
      const { roots } = await server.server.listRoots();
      // As who looks the folders up first.
      await new Promise((resolve) => setTimeout(resolve, 20));
      allowed.splice(0, 1, ...roots.map(({ uri }) => uri));
      await server.server.elicitInput({
        message: "?",
        requestedSchema: { type: "object", properties: {} },
      });
    };
    server.registerTool("allowed", {}, () => ({ allowed }));
    const asked: string[] = [];
    const client = await connected(server, era, {
      capabilities: { roots: {}, elicitation: {} },
      answers: {
        "roots/list": () => {
          asked.push("roots");
          return { roots: [{ uri: "file:///narrow" }] };
        },
        "elicitation/create": () => {
          asked.push("form");
          return { action: "decline" };
        },
      },
    });
    await client.ask("tools/list");
    if (era !== "modern") await eventually(() => asked.length === 2);
    for (let call = 0; call < 2; call++) {
      const { structuredContent } = await client.tool("allowed");
      assert.deepEqual(structuredContent, { allowed: ["file:///narrow"] });
    }
    assert.deepEqual(asked, ["roots", "form"], era);
    await client.close();
  }
  await using server = quiet();
  const errors: string[] = [];
  server.server.onerror = ({ message }) => errors.push(message);
  server.server.oninitialized = async () =>
    void await server.server.listRoots();
  server.registerTool("any", {}, () => "done");
  const client = await connected(server, "modern");
  assert.equal(textOf(await client.tool("any")), "done");
  assert.match(errors[0], /roots/);
  await client.close();
});

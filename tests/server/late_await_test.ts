import assert from "node:assert/strict";
import { z } from "zod";
import {
  linkedPair,
  McpServer,
  type McpServerOptions,
  type ServerContext,
  type TaskRun,
} from "../../mod.ts";
import { connectV1 } from "../support/clients.ts";

// An unhandled rejection fails the test that it happens in.

const FORM = {
  message: "?",
  requestedSchema: { type: "object" as const, properties: {} },
};
/** What no client answers a ping with. */
const OTHER = z.object({ other: z.string() });

/** Longer than any promise of these takes to reject. */
function meanwhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

function subject(
  begin: (ctx: ServerContext, server: McpServer) => Promise<unknown>,
  options: McpServerOptions = {},
): McpServer {
  const server = new McpServer({ name: "late", version: "1.0.0" }, {
    log: () => {},
    ...options,
  });
  server.registerResource("secret", "note://secret", {
    scopes: ["admin"],
  }, () => "secret");
  server.registerTool("late", {}, async (ctx) => {
    const begun = begin(ctx, server);
    await meanwhile();
    await begun;
    return "done";
  });
  return server;
}

/** What a client alone can make reject, in the era without sessions. */
const MODERN: Record<
  string,
  (ctx: ServerContext, server: McpServer) => Promise<unknown>
> = {
  "ctx.readResource": (ctx) => ctx.readResource("note://secret"),
  "ctx.runAsTask": (ctx) => ctx.runAsTask((task) => task.elicit(FORM)),
  "ctx.elicit": (ctx) => ctx.elicit(FORM),
  "ctx.mcpReq.send": (ctx) => ctx.mcpReq.send({ method: "roots/list" }),
  "ctx.sendRequest": (ctx) =>
    ctx.sendRequest({ method: "roots/list" }, z.object({})),
  "server.server.listRoots": (_ctx, { server }) => server.listRoots(),
  "server.server.request": (_ctx, { server }) =>
    server.request({ method: "roots/list" }, z.object({})),
};

for (const [name, begin] of Object.entries(MODERN)) {
  Deno.test(`${name} may reject before it is awaited`, async () => {
    await using server = subject(begin);
    await assert.rejects(server.call("tools/call", { name: "late" }));
  });
}

Deno.test("a middleware may await what comes next late", async () => {
  await using server = subject(() => Promise.resolve());
  server.use(async (request, next) => {
    const begun = next(request);
    await meanwhile();
    return await begun;
  });
  await assert.rejects(server.call("tools/call", { name: "unknown" }));
});

/** What a client with a session makes reject. */
const LEGACY: typeof MODERN = {
  "ctx.mcpReq.send": (ctx) => ctx.mcpReq.send({ method: "ping" }, OTHER),
  "ctx.elicit": (ctx) => ctx.elicit(FORM),
  "server.server.listRoots": (_ctx, { server }) => server.listRoots(),
  "server.server.request": (_ctx, { server }) =>
    server.request({ method: "ping" }, OTHER),
};

for (const [name, begin] of Object.entries(LEGACY)) {
  Deno.test(`${name} may reject before it is awaited (legacy)`, async () => {
    await using server = subject(begin);
    const [serverSide, clientSide] = linkedPair();
    await server.connect(serverSide);
    const client = await connectV1(clientSide as never, {});
    const result = await client.tool("late");
    assert.equal(result.isError, true);
    await client.close();
  });
}

/** What the work of a task awaits after its client has called it off. */
const TASK: Record<string, (task: TaskRun) => Promise<unknown>> = {
  "task.elicit": (task) => task.elicit(FORM),
  "task.sample": (task) => task.sample({ messages: [], maxTokens: 1 }),
};

for (const [name, begin] of Object.entries(TASK)) {
  Deno.test(`${name} may reject before it is awaited`, async () => {
    const over = Promise.withResolvers<void>();
    await using server = new McpServer({ name: "late", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("job", {}, (ctx) =>
      ctx.runAsTask(async (task) => {
        const begun = begin(task);
        await meanwhile();
        over.resolve();
        await begun;
      }));
    const as = {
      capabilities: {
        elicitation: {},
        sampling: {},
        extensions: { "io.modelcontextprotocol/tasks": {} },
      },
    };
    const { taskId } = await server.call("tools/call", { name: "job" }, as);
    await server.call("tasks/cancel", { taskId }, as);
    await over.promise;
    const task = await server.call("tasks/get", { taskId }, as);
    assert.equal(task.status, "cancelled");
  });
}

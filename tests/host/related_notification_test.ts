import assert from "node:assert/strict";
import { McpServer, type ServerContext } from "../../mod.ts";
import { ask, LegacyClient } from "../transport/wire.ts";

const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * A server whose tools tell of themselves by way of `server.server`.
 *
 * @param late the handlers are the first to ask for it
 */
function subject(late = false): McpServer {
  const server = new McpServer({ name: "related", version: "1.0.0" }, {
    log: () => {},
  });
  if (!late) void server.server;
  const tell = (ctx: ServerContext, data: string) =>
    server.server.notification({
      method: "notifications/message",
      params: { level: "info", data },
    }, { relatedRequestId: ctx.requestId });
  server.registerTool("soon", {}, async (ctx) => {
    setTimeout(() => void tell(ctx, "too late"), 30);
    await tell(ctx, "at once");
    return "done";
  });
  server.registerTool("slow", {}, async (ctx) => {
    await pause(60);
    await tell(ctx, "in time");
    return "done";
  });
  return server;
}

Deno.test("the first handler to ask for server.server tells of its own request", async () => {
  await using server = new McpServer({ name: "first", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool("slow", {}, async (ctx) => {
    await pause(10);
    await server.server.notification({
      method: "notifications/message",
      params: { level: "info", data: "in time" },
    }, { relatedRequestId: ctx.requestId });
    return "done";
  });
  assert.deepEqual(await modern(server, "slow"), ["in time"]);
  assert.deepEqual(await modern(server, "slow"), ["in time"]);
});

function heard(messages: { params?: { data?: string } }[]): unknown[] {
  return messages.flatMap(({ params }) => params?.data ?? []);
}

async function modern(server: McpServer, name: string): Promise<unknown[]> {
  const { messages } = await ask(server, "tools/call", {
    name,
    _meta: { [LOG_LEVEL]: "debug" },
  });
  return heard(messages);
}

async function legacy(client: LegacyClient, name: string): Promise<unknown[]> {
  const { messages } = await client.ask("tools/call", { name, arguments: {} });
  return heard(messages);
}

Deno.test("a notification never goes to another client's request of the same id", async () => {
  await using server = subject();
  const [soon, slow] = await Promise.all([
    modern(server, "soon"),
    modern(server, "slow"),
  ]);
  assert.deepEqual(soon, ["at once"]);
  assert.deepEqual(slow, ["in time"]);
});

Deno.test("nor to the session of the only client that has one", async () => {
  await using server = subject();
  const client = await LegacyClient.open(server);
  const [soon, slow] = await Promise.all([
    modern(server, "soon"),
    legacy(client, "slow"),
  ]);
  assert.deepEqual(soon, ["at once"]);
  assert.deepEqual(slow, ["in time"]);
});

Deno.test("nor while handlers are the first to ask for server.server", async () => {
  await using server = subject(true);
  const client = await LegacyClient.open(server);
  const [one, two, three] = await Promise.all([
    modern(server, "slow"),
    legacy(client, "slow"),
    modern(server, "soon"),
  ]);
  for (const each of [...one, ...two]) assert.equal(each, "in time");
  assert.ok(one.length <= 1 && two.length <= 1);
  for (const each of three) assert.equal(each, "at once");
  assert.deepEqual(await modern(server, "slow"), ["in time"]);
});

Deno.test("requests of the same id at the same time each hear their own", async () => {
  await using server = subject();
  const clients = await Promise.all(
    Array.from({ length: 3 }, () => LegacyClient.open(server)),
  );
  const all = await Promise.all(
    clients.map((client) => legacy(client, "slow")),
  );
  assert.deepEqual(all, [["in time"], ["in time"], ["in time"]]);
});

Deno.test("a request may tell of another of its session, and of no other client's", async () => {
  await using server = subject();
  server.registerTool("about", {}, async () => {
    await server.server.notification({
      method: "notifications/message",
      params: { level: "info", data: "about 1" },
    }, { relatedRequestId: 1 });
    return "done";
  });
  const [one, other] = [
    await LegacyClient.open(server),
    await LegacyClient.open(server),
  ];
  const about = { name: "about", arguments: {} };
  const slow = legacy(one, "slow");
  await other.ask("tools/call", about, 2);
  assert.deepEqual(await slow, ["in time"]);
  const again = legacy(one, "slow");
  await one.ask("tools/call", about, 2);
  assert.deepEqual(await again, ["about 1", "in time"]);
});

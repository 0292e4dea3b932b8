import assert from "node:assert/strict";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemorySessionStore,
} from "../../mod.ts";
import { connectV1, type Loose, textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { assertRefused, LegacyClient, post } from "../transport/wire.ts";
import { Quiet } from "./quiet.ts";
import { SseReader } from "./sse_reader.ts";

const UPDATED = "notifications/resources/updated";

/** One of several that are the same server; its tools say which one served. */
function replica(name: string, options: McpServerOptions): McpServer {
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    log: () => {},
    health: { cacheMs: 0 },
    ...options,
  });
  server.registerTool("where", {}, () => name);
  server.registerTool("ask", {}, async (ctx) => {
    const { action } = await ctx.elicit({
      message: "sure?",
      requestedSchema: { type: "object", properties: {} },
    });
    return `${name} heard ${action}`;
  });
  server.registerTool("wait", {}, async (ctx) => {
    await ctx.progress(1);
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve, { once: true })
    );
    return "called off";
  });
  server.registerTool("log", {}, async (ctx) => {
    await ctx.mcpReq.log("info", "quiet");
    await ctx.mcpReq.log("error", "loud");
    return name;
  });
  server.registerResource("n", "news://today", {}, () => "nothing");
  return server;
}

/** Runs a test with three replicas, over memory and over Redis. */
function withReplicas(
  name: string,
  run: (servers: McpServer[], redis?: TestRedis) => Promise<void>,
): void {
  Deno.test(`memory: ${name}`, async () => {
    const hub = new MemoryBusHub();
    await using sessionStore = new MemorySessionStore();
    const servers = ["a", "b", "c"].map((each) =>
      replica(each, { bus: hub.join(), sessionStore })
    );
    await run(servers);
    await Promise.all(servers.map((each) => each.close()));
  });
  Deno.test({
    name: `Redis: ${name}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      const servers = ["a", "b", "c"].map((each) =>
        replica(each, { redis: redis.url })
      );
      for (const each of servers) await reached(each);
      await run(servers, redis);
      await Promise.all(servers.map((each) => each.close()));
    },
  });
}

/** Waits until a replica has what it shares. */
async function reached(server: McpServer): Promise<void> {
  await eventually(async () =>
    (await server.health.run()).checks.redis?.status === "healthy"
  );
}

/** The same client at another replica. */
function at(client: LegacyClient, server: McpServer): LegacyClient {
  return Object.assign(Object.create(LegacyClient.prototype), client, {
    server,
  });
}

async function standing(client: LegacyClient): Promise<SseReader> {
  const response = await client.server.fetch(
    new Request("http://localhost/mcp", {
      headers: {
        accept: "text/event-stream",
        "mcp-session-id": client.sessionId,
        "mcp-protocol-version": client.revision,
      },
    }),
  );
  assert.equal(response.status, 200);
  return new SseReader(response);
}

/** A call whose answer comes on a stream. */
async function stream(
  client: LegacyClient,
  name: string,
  id: number,
): Promise<SseReader> {
  const response = await client.server.fetch(
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": client.sessionId,
        "mcp-protocol-version": client.revision,
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id,
        method: "tools/call",
        params: { name, arguments: {}, _meta: { progressToken: id } },
      }),
    }),
  );
  return new SseReader(response);
}

withReplicas(
  "any replica takes the next request of a session",
  async ([a, b, c]) => {
    const client = await LegacyClient.open(a);
    for (const [server, name] of [[b, "b"], [c, "c"], [a, "a"]] as const) {
      const { body } = await at(client, server).ask("tools/call", {
        name: "where",
      });
      assert.equal(textOf(body.result), name);
    }
    // Many at once at a replica that has yet to learn of it.
    const other = await LegacyClient.open(a);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, id) => at(other, c).ask("ping", {}, id)),
    );
    assert.ok(answers.every(({ status }) => status === 200));
  },
);

withReplicas(
  "of those who come at once to a replica, one makes the session known there",
  async (servers) => {
    const [a, b] = servers;
    const client = await LegacyClient.open(a);
    await client.ask("resources/subscribe", { uri: "news://today" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, id) => at(client, b).ask("ping", {}, id)),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    await using quiet = await Quiet.among(servers);
    await using stream = await standing(at(client, b));
    await quiet.updates(stream);
    a.sendResourceUpdated("news://today");
    assert.equal(await quiet.updates(stream), 1);
  },
);

withReplicas(
  "a session is its caller's alone, at every replica",
  async ([a, b]) => {
    const client = await LegacyClient.open(a);
    const answer = await at(client, b).post(
      { jsonrpc: "2.0", id: 1, method: "ping" },
      { authInfo: { token: "t", clientId: "mallory", scopes: [] } },
    );
    assertRefused(answer, { status: 404, code: -32001 });
  },
);

withReplicas(
  "a session that ends at one replica has ended at all",
  async ([a, b, c]) => {
    const client = await LegacyClient.open(a);
    await at(client, b).ask("ping");
    await using reader = await standing(at(client, c));
    assert.equal((await at(client, b).end()).status, 200);
    for (const server of [a, b, c]) {
      assertRefused(await at(client, server).ask("ping"), {
        status: 404,
        code: -32001,
      });
    }
    void reader;
  },
);

withReplicas(
  "a question is answered through another replica",
  async ([a, b]) => {
    const client = await LegacyClient.open(a, "2025-11-25", {
      elicitation: {},
    });
    await using reader = await stream(client, "ask", 7);
    await reader.has("elicitation/create");
    const { id } = reader.messages.find((each) =>
      each.method === "elicitation/create"
    )!;
    const answer = { jsonrpc: "2.0", id, result: { action: "decline" } };
    assert.equal((await at(client, b).post(answer)).status, 202);
    await eventually(() => reader.messages.some((each) => each.id === 7));
    const { result } = reader.messages.at(-1) as Loose;
    assert.equal(textOf(result), "a heard decline");
  },
);

withReplicas(
  "a call is called off through another replica",
  async ([a, b, c]) => {
    const client = await LegacyClient.open(a);
    await at(client, c).ask("ping");
    await using reader = await stream(client, "wait", 8);
    await reader.has("notifications/progress");
    await at(client, b).post({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: 8 },
    });
    await eventually(() => a.stats.inFlight === 0);
  },
);

withReplicas(
  "what is set through one replica holds at the others",
  async ([a, b, c]) => {
    const client = await LegacyClient.open(a);
    await at(client, c).ask("ping");
    await at(client, b).ask("logging/setLevel", { level: "error" });
    for (const server of [a, c]) {
      await using reader = await stream(at(client, server), "log", 9);
      await eventually(() => reader.messages.some((each) => each.id === 9));
      const logs = reader.messages.filter((each) =>
        each.method === "notifications/message"
      );
      assert.deepEqual(logs.map(({ params }) => (params as Loose).data), [
        "loud",
      ]);
    }
  },
);

withReplicas(
  "notices go to where the client listens, once",
  async (servers) => {
    const [a, b, c] = servers;
    await using quiet = await Quiet.among(servers);
    const client = await LegacyClient.open(a);
    await using reader = await standing(at(client, b));
    await at(client, c).ask("resources/subscribe", { uri: "news://today" });
    await quiet.updates(reader);
    for (const server of [a, b, c]) server.sendResourceUpdated("news://today");
    assert.equal(await quiet.updates(reader), 3);
    await at(client, a).ask("resources/unsubscribe", { uri: "news://today" });
    await quiet.updates(reader);
    for (const server of [a, b, c]) server.sendResourceUpdated("news://today");
    assert.equal(await quiet.updates(reader), 3);
  },
);

withReplicas(
  "what waits for a stream goes to the one that is opened, wherever",
  async (servers) => {
    const [a, b, c] = servers;
    await using quiet = await Quiet.among(servers);
    const client = await LegacyClient.open(a);
    await at(client, c).ask("resources/subscribe", { uri: "news://today" });
    await quiet.updates();
    c.sendResourceUpdated("news://today");
    await quiet.updates();
    await using reader = await standing(at(client, b));
    await reader.has(UPDATED);
    assert.equal(await quiet.updates(reader), 1);
    // The client moves on: the newest stream has what comes from now on.
    await using moved = await standing(at(client, c));
    await quiet.updates(reader, moved);
    a.sendResourceUpdated("news://today");
    assert.equal(await quiet.updates(reader, moved), 2);
  },
);

withReplicas(
  "official clients work whichever replica is asked",
  async (servers) => {
    let turn = 0;
    const transport = new StreamableHTTPClientTransport(
      new URL("http://localhost/mcp"),
      {
        fetch: (url: string | URL, init?: RequestInit) =>
          Promise.resolve(
            servers[turn++ % 3].fetch(new Request(url, init)),
          ),
      },
    );
    const client = await connectV1(transport, {
      capabilities: { elicitation: {} },
      answers: {
        "elicitation/create": () => ({ action: "accept", content: {} }),
      },
    });
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(textOf(await client.tool("where")));
    assert.deepEqual([...seen].toSorted(), ["a", "b", "c"]);
    for (let i = 0; i < 6; i++) {
      assert.match(textOf(await client.tool("ask")), /^[abc] heard accept$/);
    }
    await client.close();
  },
);

Deno.test({
  name: "while Redis is away sessions go on where they are, and nowhere a 404",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using a = replica("a", { redis: redis.url });
    await using b = replica("b", { redis: redis.url });
    await reached(a);
    await reached(b);
    const client = await LegacyClient.open(a);
    redis.pause();
    assert.equal((await client.ask("ping")).status, 200);
    const elsewhere = await at(client, b).ask("ping");
    assertRefused(elsewhere, { status: 503, code: -32005 });
    assert.equal(elsewhere.headers.get("retry-after"), "1");
    const fresh = await post(b, {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      },
    });
    assertRefused(fresh, { status: 503, code: -32005, id: 1 });
    redis.resume();
    await eventually(async () =>
      (await at(client, b).ask("ping")).status === 200
    );
    await redis.kill();
    assert.equal((await client.ask("ping")).status, 200);
    await redis.restart();
    // Redis has come back empty: the session is gone, and that is said.
    await eventually(async () => (await client.ask("ping")).status === 404);
  },
});

Deno.test("a store of sessions without a bus is refused", () => {
  assert.throws(
    () =>
      new McpServer({ name: "n", version: "1" }, {
        sessionStore: new MemorySessionStore(),
      }),
    { code: "SLUICE_INVALID_OPTION", message: /needs a bus/ },
  );
});

import assert from "node:assert/strict";
import { WebStandardStreamableHTTPServerTransport as V1 } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { WebStandardStreamableHTTPServerTransport as V2 } from "@modelcontextprotocol/server";
import { linkedPair, McpServer, type Transport } from "../../mod.ts";
import { connectV1, type Loose, textOf } from "../support/clients.ts";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { eventually } from "../support/eventually.ts";

const authInfo = { token: "t", clientId: "alice", scopes: [] };

for (const [generation, Served] of Object.entries({ v1: V1, v2: V2 })) {
  Deno.test(`a server serves an HTTP transport of the SDK in full (${generation})`, async () => {
    const server = new McpServer({ name: "s", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("who", {}, async (ctx) => {
      await ctx.progress(1, 2);
      ctx.log.info("here");
      const { roots } = await ctx.listRoots();
      return JSON.stringify({
        client: ctx.authInfo?.clientId,
        sameInHttp: ctx.http?.authInfo?.clientId,
        tenant: ctx.http?.req?.headers.get("x-tenant"),
        session: ctx.sessionId,
        roots: roots.length,
      });
    });
    const served = new Served({ sessionIdGenerator: () => "the-session" });
    await server.connect(served as Transport);
    const answers = (input: string | URL, init?: RequestInit) => {
      const request = new Request(input, init);
      request.headers.set("x-tenant", "acme");
      // Without a standing stream everything must come on the call's own.
      return request.method === "GET"
        ? Promise.resolve(new Response(null, { status: 405 }))
        : served.handleRequest(request, { authInfo });
    };
    const client = await connectV1(
      new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), {
        fetch: answers,
      }),
      {
        capabilities: { roots: {} },
        answers: { "roots/list": () => ({ roots: [{ uri: "file:///a" }] }) },
      },
    );
    const progress: Loose[] = [];
    const result = await client.tool("who", {}, {
      onprogress: (each) => progress.push(each),
    });
    assert.deepEqual(JSON.parse(textOf(result)), {
      client: "alice",
      sameInHttp: "alice",
      tenant: "acme",
      session: "the-session",
      roots: 1,
    });
    assert.equal(progress.length, 1);
    await client.hears("notifications/message", ({ data }) => data === "here");

    let ended = 0;
    const { onclose } = served;
    served.onclose = () => {
      ended++;
      onclose?.();
    };
    await server.close();
    await eventually(() => ended === 1);
    assert.equal(server.isConnected(), false);
    await client.close();
  });
}

Deno.test("a server that closes tells every client, whichever way it ends", async () => {
  const ends: Record<string, (server: McpServer) => Promise<void>> = {
    "close()": (server) => server.close(),
    "the shutdown of its listener": async (server) => {
      const running = await server.serve({
        port: 0,
        signals: false,
        onListen() {},
      });
      await running.shutdown();
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const server = new McpServer({ name: "s", version: "1.0.0" }, {
      log: () => {},
    });
    const [near, far] = linkedPair();
    const [other, otherFar] = linkedPair();
    let closed = 0;
    near.onclose = other.onclose = () => closed++;
    await server.connect(far);
    await server.connect(otherFar);
    await other.close();
    assert.equal(closed, 1, how);
    await end(server);
    assert.equal(closed, 2, how);
    assert.equal(server.isConnected(), false);
    await server.close();
  }
});

Deno.test("a transport that fails to close is reported, and stops nobody", async () => {
  const log: Loose[] = [];
  const server = new McpServer({ name: "s", version: "1.0.0" }, {
    log: (record) => log.push(record),
  });
  const [, far] = linkedPair();
  far.close = () => Promise.reject(new Error("stuck"));
  await server.connect(far);
  await server.close();
  await eventually(() => log.some(({ message }) => /transport/.test(message)));
});

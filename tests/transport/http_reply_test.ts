import assert from "node:assert/strict";
import { type HttpOptions, McpServer } from "../../mod.ts";

/** A server with a tool that speaks before it needs what clients may lack. */
function serverFor(options: HttpOptions): McpServer {
  const server = new McpServer({ name: "replies", version: "1.0.0" }, options);
  server.registerTool("plain", {}, () => "done");
  server.registerTool("asks", {}, async (ctx) => {
    await ctx.progress(1, 2);
    await ctx.listRoots();
    return "done";
  });
  return server;
}

async function post(server: McpServer, method: string, name?: string) {
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(name !== undefined && { "mcp-name": name }),
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method,
        params: {
          name,
          _meta: {
            progressToken: "p",
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      }),
    }),
  );
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    text: await response.text(),
  };
}

for (const responseMode of ["auto", "sse"] as const) {
  Deno.test(`an error keeps its status in response mode ${responseMode}`, async () => {
    await using server = serverFor({ responseMode });
    const unknown = await post(server, "no/such/method");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.type, "application/json");
    assert.equal(JSON.parse(unknown.text).error.code, -32601);

    const lacking = await post(server, "tools/call", "asks");
    assert.equal(lacking.status, 400);
    assert.equal(lacking.type, "application/json");
    assert.equal(JSON.parse(lacking.text).error.code, -32021);
  });
}

for (
  const [code, status] of [
    [-32601, 200],
    [-32602, 200],
    [-32000, 200],
    [-32020, 200],
    [-32022, 200],
    [-32021, 400],
  ]
) {
  Deno.test(`a handler's own error ${code} is ${status}, as the official server has it`, async () => {
    await using server = new McpServer({ name: "low", version: "1.0.0" }, {
      log: () => {},
    });
    server.server.registerCapabilities({ tools: {} });
    server.server.setRequestHandler("tools/call", () => {
      throw Object.assign(new Error("passed on"), { code });
    });
    const answer = await post(server, "tools/call", "plain");
    assert.equal(answer.status, status);
    assert.equal(JSON.parse(answer.text).error.code, code);
  });
}

Deno.test("response mode sse makes a stream of every result", async () => {
  await using server = serverFor({ responseMode: "sse" });
  const { status, type, text } = await post(server, "tools/call", "plain");
  assert.equal(status, 200);
  assert.equal(type, "text/event-stream");
  assert.match(text, /^event: message\ndata: \{.*"done".*\}\n\n$/);
});

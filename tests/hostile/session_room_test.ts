import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { initialize, post } from "../transport/wire.ts";

/** A server whose callers are told apart by a header. */
function subject(maxSessions?: number): McpServer {
  return new McpServer({ name: "sessions", version: "1.0.0" }, {
    maxSessions,
    authenticate: (request) => {
      const clientId = request.headers.get("x-caller");
      return clientId === null
        ? undefined
        : { token: "", clientId, scopes: [] };
    },
    log: () => {},
  });
}

async function open(server: McpServer, caller: string): Promise<string> {
  const { headers, status } = await post(server, initialize("2025-11-25"), {
    headers: { "x-caller": caller },
  });
  assert.equal(status, 200);
  return headers.get("mcp-session-id")!;
}

async function ping(server: McpServer, caller: string, id: string) {
  const { status } = await post(
    server,
    { jsonrpc: "2.0", id: 1, method: "ping" },
    { headers: { "x-caller": caller, "mcp-session-id": id } },
  );
  return status;
}

/** Opens the standing stream of a session, which looks busy from then on. */
async function stand(server: McpServer, caller: string, id: string) {
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      headers: {
        accept: "text/event-stream",
        "x-caller": caller,
        "mcp-session-id": id,
      },
    }),
  );
  assert.equal(response.status, 200);
}

Deno.test("sessions that are only opened go first, and are few per caller", async () => {
  await using server = subject(1_000);
  const used = await open(server, "ada");
  assert.equal(await ping(server, "ada", used), 200);
  const opened = await open(server, "bob");
  for (let n = 0; n < 3_000; n++) await open(server, "eve");
  assert.equal(server.stats.sessions, 102);
  assert.equal(await ping(server, "ada", used), 200);
  assert.equal(await ping(server, "bob", opened), 200);
});

Deno.test("a stranger who uses many sessions squeezes out none but his own", async () => {
  await using server = subject(50);
  const own = await open(server, "ada");
  assert.equal(await ping(server, "ada", own), 200);
  for (let n = 0; n < 200; n++) {
    assert.equal(await ping(server, "eve", await open(server, "eve")), 200);
  }
  assert.equal(server.stats.sessions, 50);
  assert.equal(await ping(server, "ada", own), 200);
});

Deno.test("standing streams hold no room against others", async () => {
  const server = subject(20);
  const own = await open(server, "ada");
  assert.equal(await ping(server, "ada", own), 200);
  for (let n = 0; n < 40; n++) {
    await stand(server, "eve", await open(server, "eve"));
  }
  assert.equal(await ping(server, "ada", own), 200);
  const other = await open(server, "bob");
  assert.equal(await ping(server, "bob", other), 200);
  await server.close();
});

Deno.test("where nobody is known, addresses are told apart", async () => {
  await using server = new McpServer({ name: "sessions", version: "1.0.0" }, {
    maxSessions: 20,
    log: () => {},
  });
  const say = async (
    hostname: string,
    message: unknown,
    headers: Record<string, string> = {},
  ) => {
    const request = new Request("http://localhost/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(message),
    });
    const response = await server.fetch(request, { remoteAddr: { hostname } });
    await response.text();
    return response;
  };
  const use = async (hostname: string) => {
    const { headers } = await say(hostname, initialize("2025-11-25"));
    const id = headers.get("mcp-session-id")!;
    return async () =>
      (await say(hostname, { jsonrpc: "2.0", id: 1, method: "ping" }, {
        "mcp-session-id": id,
      })).status;
  };
  const own = await use("192.0.2.1");
  assert.equal(await own(), 200);
  for (let n = 0; n < 50; n++) {
    assert.equal(await (await use("192.0.2.2"))(), 200);
  }
  assert.equal(await own(), 200);
});

import assert from "node:assert/strict";
import { McpServer, MemoryBusHub, MemorySessionStore } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { assertRefused, initialize, post } from "../transport/wire.ts";

type ServerOptions = ConstructorParameters<typeof McpServer>[1];

/** Two replicas of a server, which share a store of sessions. */
async function withReplicas(
  run: (a: McpServer, b: McpServer, store: MemorySessionStore) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  const hub = new MemoryBusHub();
  await using store = new MemorySessionStore();
  const [a, b] = [1, 2].map(() =>
    new McpServer({ name: "shared", version: "1.0.0" }, {
      ...options,
      bus: hub.join(),
      sessionStore: store,
      log: () => {},
    })
  );
  await run(a, b, store);
  await Promise.all([a.close(), b.close()]);
}

async function open(server: McpServer): Promise<string> {
  const { headers } = await post(server, initialize("2025-11-25"));
  return headers.get("mcp-session-id")!;
}

function ping(server: McpServer, session: string) {
  return post(server, { jsonrpc: "2.0", id: 1, method: "ping" }, {
    headers: { "mcp-session-id": session },
  });
}

async function stand(server: McpServer, session: string): Promise<Response> {
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      headers: { accept: "text/event-stream", "mcp-session-id": session },
    }),
  );
  assert.equal(response.status, 200);
  return response;
}

Deno.test("a shared session that makes room at one replica goes on at all", async () => {
  await withReplicas(async (a, b, store) => {
    const first = await open(a);
    const events = await stand(b, first);
    await eventually(async () =>
      (await store.use(first, 60_000))?.standing !== ""
    );
    // The first one's stream ends, and the others know that it stands nowhere.
    const second = await open(b);
    assert.equal((await ping(b, second)).status, 200);
    assert.equal(b.stats.sessions, 1);
    await events.text();
    await eventually(async () =>
      (await store.use(first, 60_000))?.standing === ""
    );
    assert.equal((await ping(a, first)).status, 200);
    assert.equal((await ping(b, first)).status, 200);
    assert.equal((await ping(b, second)).status, 200);
    assert.equal(b.stats.sessions, 1);
  }, { maxSessions: 1 });
});

Deno.test("what is kept of a session counts at every replica that takes it up", async () => {
  await withReplicas(async (a, b, store) => {
    const [first, second] = [await open(a), await open(a)];
    for (const [index, session] of [first, second].entries()) {
      await store.follow(session, `x://${index}/`.padEnd(30 * 2 ** 20, "x"));
    }
    assert.equal((await ping(b, first)).status, 200);
    const refused = await ping(b, second);
    assertRefused(refused, { status: 429, code: -32005 });
    const ended = await b.fetch(
      new Request("http://localhost/mcp", {
        method: "DELETE",
        headers: { "mcp-session-id": first },
      }),
    );
    assert.equal(ended.status, 200);
    assert.equal((await ping(b, second)).status, 200);
  });
});

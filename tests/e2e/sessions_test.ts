import assert from "node:assert/strict";
import { textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { showcase } from "./fixtures/showcase.ts";

const LEGACY_HTTP = LEGS.filter(({ era, place }) =>
  era === "legacy" && place === "http"
);

const MINUTE_MS = 60_000;

for (const leg of LEGACY_HTTP) {
  Deno.test(`a session ends when its client says so (${leg.name})`, async () => {
    await using server = showcase();
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    await using other = await connectHttp(leg, running.url);
    const { sessionId } = client.transport;
    assert.match(sessionId, /^[0-9a-f-]{36}$/);
    assert.notEqual(sessionId, other.transport.sessionId);
    assert.equal(server.stats.sessions, 2);

    await client.transport.terminateSession();
    assert.equal(server.stats.sessions, 1);
    const { status, body } = await fetch(running.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-session-id": sessionId,
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    });
    await body?.cancel();
    assert.equal(status, 404);
    assert.equal(textOf(await other.tool("echo", { text: "on" })), "on");
  });

  Deno.test(`a session lasts while its client listens (${leg.name})`, async () => {
    const clock = new FakeClock();
    await using server = showcase({
      clock,
      sessionIdleMs: 30 * MINUTE_MS,
      keepAliveMs: Infinity,
    });
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    await client.tool("grow");
    await client.hears("notifications/tools/list_changed");

    await clock.advance(100 * MINUTE_MS);
    assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");

    await client.close();
    await eventually(async () => {
      await clock.advance(10 * MINUTE_MS);
      return server.stats.sessions === 0;
    });
    assert.equal(clock.pending, 0);
  });

  Deno.test(`the longest idle session makes room (${leg.name})`, async () => {
    await using server = showcase({ maxSessions: 2 });
    await using running = await listen(server);
    const gone = await connectHttp(leg, running.url);
    const { sessionId } = gone.transport;
    await gone.close();
    await using one = await connectHttp(leg, running.url);
    await eventually(async () => {
      // Room is made once the server has seen the first client go.
      try {
        await using _two = await connectHttp(leg, running.url);
        return true;
      } catch {
        return false;
      }
    });
    assert.equal(textOf(await one.tool("echo", { text: "on" })), "on");
    assert.ok(server.stats.sessions <= 2);
    const { status, body } = await fetch(running.url, {
      method: "DELETE",
      headers: { "mcp-session-id": sessionId },
    });
    await body?.cancel();
    assert.equal(status, 404);
  });

  Deno.test(`without sessions every request stands alone (${leg.name})`, async () => {
    await using server = showcase({ sessions: false });
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url, {
      capabilities: { elicitation: {} },
      answers: { "elicitation/create": () => ({ action: "decline" }) },
    });
    assert.equal(client.transport.sessionId, undefined);
    assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");
    await client.tool("count", { to: 3 }, { onprogress: () => {} });
    const { tools } = await client.raw.listTools();
    assert.ok(tools.length > 5);
    const asked = await client.tool("ask_name");
    assert.equal(asked.isError, true);
    assert.match(textOf(asked), /needs a session/);
    const standing = await fetch(running.url, {
      headers: { accept: "text/event-stream" },
    });
    await standing.body?.cancel();
    assert.equal(standing.status, 405);
    assert.equal(server.stats.sessions, 0);
  });
}

import assert from "node:assert/strict";
import { type HttpOptions, McpServer } from "../../mod.ts";
import { textOf } from "../support/clients.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { HAS_NGINX, startNginx } from "../support/nginx.ts";
import { initialize, modernCall, modernPost, read } from "../transport/wire.ts";

/** What handlers may look at while they say nothing. */
const looks = {
  nothing: () => {},
  signal: (ctx: { signal: AbortSignal }) => ctx.signal.aborted,
};

function quietServer(options: HttpOptions & { clock?: FakeClock } = {}) {
  const gate = Promise.withResolvers<void>();
  const server = new McpServer({ name: "quiet", version: "1.0.0" }, {
    log: () => {},
    ...options,
  });
  for (const [name, look] of Object.entries(looks)) {
    server.registerTool(name, {}, async (ctx) => {
      look(ctx);
      await gate.promise;
      return "at last";
    });
  }
  server.registerTool("lacks", {}, async (ctx) => {
    await gate.promise;
    await ctx.listRoots();
    return "";
  });
  return { server, gate };
}

async function legacyPost(server: McpServer, message: unknown) {
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const post = (body: unknown, more = {}) =>
    server.fetch(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: { ...headers, ...more },
        body: JSON.stringify(body),
      }),
    );
  const opened = await post(initialize("2025-03-26"));
  return post(message, {
    "mcp-session-id": opened.headers.get("mcp-session-id")!,
  });
}

const call = (name: string, id: unknown = 1) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: {} },
});

const ways: Record<
  string,
  (server: McpServer, name: string) => Promise<Response>
> = {
  modern: async (server, name) => {
    const message = modernCall("tools/call", { name });
    return await server.fetch(
      new Request("http://localhost/mcp", modernPost(message)),
    );
  },
  legacy: (server, name) => legacyPost(server, call(name)),
  "legacy batch": (server, name) =>
    legacyPost(server, [call(name), call(name, 2)]),
};

const modes = [["auto", 1_000], ["sse", 100]] as const;
for (const [responseMode, patienceMs] of modes) {
  for (const [way, send] of Object.entries(ways)) {
    for (const name of Object.keys(looks)) {
      Deno.test(`a quiet call begins its answer in time (${responseMode}, ${way}, looks at ${name})`, async () => {
        const clock = new FakeClock();
        const { server, gate } = quietServer({ responseMode, clock });
        let begun = false;
        const sent = send(server, name).then((response) => {
          begun = true;
          return response;
        });
        await clock.advance(patienceMs - 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(begun, false);
        await clock.advance(1);
        const response = await sent;
        assert.equal(response.status, 200);
        assert.equal(
          response.headers.get("content-type"),
          "text/event-stream",
        );
        await clock.advance(45_000);
        gate.resolve();
        const { text } = await read(response);
        assert.match(text, /^(:\n\n){4}event: message\ndata: .*at last/);
        assert.equal(server.stats.inFlight, 0);
      });
    }
  }
}

for (const way of ["modern", "legacy"]) {
  Deno.test(`an answer within the second stays one JSON (${way})`, async () => {
    const clock = new FakeClock();
    const { server, gate } = quietServer({ clock });
    const sent = ways[way](server, "nothing");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(900);
    gate.resolve();
    const { headers, body } = await read(await sent);
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(body.result.content[0].text, "at last");
    await server.close();
    assert.equal(clock.pending, 0);
  });
}

Deno.test("an error within the second has its status, and after it the stream", async () => {
  for (const [afterMs, status] of [[900, 400], [1_000, 200]]) {
    const clock = new FakeClock();
    const { server, gate } = quietServer({ clock });
    const sent = ways.modern(server, "lacks");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(afterMs);
    gate.resolve();
    const answer = await read(await sent);
    assert.equal(answer.status, status);
    assert.equal(answer.body.error?.code, -32021);
  }
});

for (const leg of LEGS.filter(({ place }) => place === "http")) {
  Deno.test({
    name: `nginx does not cut a quiet call (${leg.name})`,
    ignore: !HAS_NGINX,
    async fn() {
      const { server, gate } = quietServer({ keepAliveMs: 400 });
      await using _ = server;
      await using running = await listen(server);
      await using proxy = await startNginx(
        running.url,
        "proxy_read_timeout 2s;",
      );
      await using client = await connectHttp(leg, proxy.url);
      setTimeout(gate.resolve, 4_500);
      assert.equal(textOf(await client.tool("nothing")), "at last");
    },
  });
}

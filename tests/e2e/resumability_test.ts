import assert from "node:assert/strict";
import { McpServer, MemoryEventStore } from "../../mod.ts";
import { type ClientSetup, type Loose, textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { initialize, read } from "../transport/wire.ts";

const LEGACY_HTTP = LEGS.filter(({ era, place }) =>
  era === "legacy" && place === "http"
);

/** A server that hangs up on its clients, and goes on when they are back. */
function interrupter(back: Promise<void>): McpServer {
  const server = new McpServer({ name: "interrupter", version: "1.0.0" }, {
    eventStore: new MemoryEventStore(),
    retryMs: 10,
    log: () => {},
  });
  server.registerTool("hang_up", {}, async (ctx) => {
    ctx.log.info("before");
    ctx.http!.closeSSE!();
    ctx.log.info("between");
    await back;
    ctx.log.info("after");
    return "survived";
  });
  server.registerTool("hang_up_standing", {}, (ctx) => {
    ctx.http!.closeStandaloneSSE!();
    server.registerTool("while_away", {}, () => "new");
    return "hung up";
  });
  return server;
}

/** A client that says when it has resumed a stream. */
function watching(onResumed: () => void): ClientSetup {
  const watched: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    if (request.headers.has("last-event-id")) onResumed();
    return response;
  };
  return { http: { fetch: watched } };
}

for (const leg of LEGACY_HTTP) {
  Deno.test(`a call survives its stream (${leg.name})`, async () => {
    const back = Promise.withResolvers<void>();
    await using server = interrupter(back.promise);
    await using running = await listen(server);
    await using client = await connectHttp(
      leg,
      running.url,
      watching(back.resolve),
    );
    client.transport.onerror = () => {};
    assert.equal(textOf(await client.tool("hang_up")), "survived");
    assert.deepEqual(
      client.received.filter(({ method }) => method !== undefined)
        .map(({ params }) => params.data),
      ["before", "between", "after"],
      "each message once, in order",
    );
  });

  Deno.test(`the standing stream is resumed (${leg.name})`, async () => {
    await using server = interrupter(Promise.resolve());
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    client.transport.onerror = () => {};
    server.registerTool("early", {}, () => "early");
    await client.hears("notifications/tools/list_changed");
    await client.tool("hang_up_standing");
    const twice = () =>
      client.heard.filter(({ method }) =>
        method === "notifications/tools/list_changed"
      ).length === 2;
    await client.hears("notifications/tools/list_changed", twice);
    const { tools } = await client.raw.listTools();
    assert.ok(tools.some(({ name }: Loose) => name === "while_away"));
  });
}

Deno.test("a stream is resumed from where it was cut, by its session alone", async () => {
  await using server = interrupter(Promise.resolve());
  const send = (method: string, headers: Loose, body?: unknown) =>
    server.fetch(
      new Request("http://localhost/mcp", {
        method,
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    );
  const open = async () => {
    const opened = await read(await send("POST", {}, initialize()));
    return { "mcp-session-id": opened.headers.get("mcp-session-id")! };
  };
  const [mine, other] = [await open(), await open()];
  const call = {
    jsonrpc: "2.0",
    id: 7,
    method: "tools/call",
    params: { name: "hang_up", arguments: {} },
  };
  const cut = await read(await send("POST", mine, call));
  assert.match(cut.text, /retry: 10\n/);
  const ids = [...cut.text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
  assert.deepEqual(cut.messages.map(({ params }) => params.data), ["before"]);
  assert.equal(ids.length, 2, "the priming event, and one message");

  const stolen = await read(
    await send("GET", { ...other, "last-event-id": ids[0] }),
  );
  assert.equal(stolen.status, 400);

  const whole = await read(
    await send("GET", { ...mine, "last-event-id": ids[0] }),
  );
  assert.deepEqual(
    whole.messages.map(({ params, result }) =>
      params?.data ?? result.content[0].text
    ),
    ["before", "between", "after", "survived"],
  );
  const rest = await read(
    await send("GET", { ...mine, "last-event-id": ids[1] }),
  );
  assert.deepEqual(rest.messages, whole.messages.slice(1));

  const unknown = await read(
    await send("GET", { ...mine, "last-event-id": "no-such_1" }),
  );
  assert.equal(unknown.status, 400);
});

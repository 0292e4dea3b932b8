import assert from "node:assert/strict";
import { McpServer, MemoryEventStore } from "../../mod.ts";
import { type ClientSetup, type Loose, textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { initialize, LegacyClient, read } from "../transport/wire.ts";

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

for (const revision of ["2025-03-26", "2025-06-18", "2025-11-25"]) {
  Deno.test(`a client of ${revision} resumes both kinds of stream`, async () => {
    const primes = revision === "2025-11-25";
    const gate = Promise.withResolvers<void>();
    await using server = new McpServer({ name: "s", version: "1.0.0" }, {
      eventStore: new MemoryEventStore(),
      log: () => {},
    });
    server.registerTool("speak", {}, async (ctx) => {
      assert.equal(ctx.http?.closeSSE !== undefined, primes);
      ctx.log.info("one");
      await gate.promise;
      ctx.log.info("two");
      return "three";
    });
    const send = async (method: string, body?: unknown, more: Loose = {}) =>
      await server.fetch(
        new Request("http://localhost/mcp", {
          method,
          headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            ...more,
          },
          body: body === undefined ? undefined : JSON.stringify(body),
        }),
      );
    const opened = await send("POST", initialize(revision));
    assert.equal(opened.headers.get("content-type"), "application/json");
    const mine = {
      "mcp-session-id": opened.headers.get("mcp-session-id")!,
      "mcp-protocol-version": revision,
    };
    const call = await send("POST", {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "speak" },
    }, mine);
    const first = await untilCut(call, /"one"/);
    assert.equal(/^data: $/m.test(first), primes, "a priming event");
    gate.resolve();
    const lastId = [...first.matchAll(/^id: (.*)$/gm)].at(-1)![1];
    const rest = await read(
      await send("GET", undefined, { ...mine, "last-event-id": lastId }),
    );
    assert.deepEqual(
      rest.messages.map(({ params, result }) =>
        params?.data ?? result.content[0].text
      ),
      ["two", "three"],
    );

    // A proxy that reads on for nobody keeps the first two streams open.
    const zombie = await send("GET", undefined, mine);
    assert.equal(zombie.status, 200);
    const second = await send("GET", undefined, mine);
    server.sendPromptListChanged();
    const heard = await untilCut(second, /prompts/);
    const id = [...heard.matchAll(/^id: (.*)$/gm)].at(-1)![1];
    await zombie.body!.cancel();
    server.sendToolListChanged();
    const back = { ...mine, "last-event-id": id };
    const third = await send("GET", undefined, back);
    assert.match(await untilCut(third, /tools/), /tools\/list_changed/);
    const fourth = await send("GET", undefined, back);
    assert.equal(fourth.status, 200, "the newer replaces the older");
    assert.match(await untilCut(fourth, /tools/), /tools\/list_changed/);
  });
}

/** Reads a stream until something has come, and leaves it. */
async function untilCut(response: Response, what: RegExp): Promise<string> {
  let text = "";
  for await (
    const chunk of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    text += chunk;
    if (what.test(text)) break;
  }
  return text;
}

Deno.test("what is said while no stream is open waits for the next one", async () => {
  for (const eventStore of [undefined, new MemoryEventStore()]) {
    await using server = new McpServer({ name: "s", version: "1.0.0" }, {
      eventStore,
      log: () => {},
    });
    const client = await LegacyClient.open(server, "2025-06-18");
    const get = () =>
      server.fetch(
        new Request("http://localhost/mcp", {
          headers: {
            accept: "text/event-stream",
            "mcp-session-id": client.sessionId,
          },
        }),
      );
    await (await get()).body!.cancel();
    server.sendPromptListChanged();
    assert.match(await untilCut(await get(), /prompts/), /list_changed/);
  }
});

Deno.test("a session has several standing streams; the newest gets each message", async () => {
  await using server = new McpServer({ name: "s", version: "1.0.0" }, {
    log: () => {},
  });
  const client = await LegacyClient.open(server);
  const open = async () => {
    const response = await server.fetch(
      new Request("http://localhost/mcp", {
        headers: {
          accept: "text/event-stream",
          "mcp-session-id": client.sessionId,
        },
      }),
    );
    assert.equal(response.status, 200);
    return response;
  };
  const streams = [await open(), await open(), await open(), await open()];
  assert.equal(server.stats.streams, 4);
  streams.push(await open());
  assert.equal(await streams[0].text(), "", "the oldest makes room");
  assert.equal(server.stats.streams, 4);
  server.sendToolListChanged();
  assert.match(await untilCut(streams[4], /tools/), /tools\/list_changed/);
  server.sendPromptListChanged();
  assert.match(await untilCut(streams[3], /prompts/), /prompts\/list_changed/);
  server.sendResourceListChanged();
  const heard = await untilCut(streams[2], /resources/);
  assert.doesNotMatch(heard, /tools|prompts/, "each message once");
  await streams[1].body!.cancel();
});

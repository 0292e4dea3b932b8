import assert from "node:assert/strict";
import { z } from "zod";
import { type CacheStore, McpServer, type ServerContext } from "@sluice/mcp";
import {
  bufferedText,
  headersNow,
} from "../../src/transport/http/served_request.ts";
import type { JsonObject } from "../../src/protocol/jsonrpc.ts";
import { eventually } from "../support/eventually.ts";
import { httpText, RawSocket } from "./raw_socket.ts";
import { initialize, modernCall, modernHeaders } from "./wire.ts";

interface Taken {
  taken: string | undefined;
  /** What was there to read afterwards. */
  rest: string | undefined;
}

/** What a served request gives that somebody sends. */
async function served(
  send: (port: number) => Promise<unknown>,
): Promise<Taken> {
  const seen = Promise.withResolvers<Taken>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const taken = bufferedText(request);
      const rest = request.bodyUsed ? undefined : await request.text();
      seen.resolve({ taken, rest });
      return new Response();
    },
  );
  await send(server.addr.port);
  return await seen.promise;
}

/** Sends a request's head and body in one piece. */
function inOnePiece(body: string | Uint8Array) {
  return async (port: number) => {
    using socket = await RawSocket.open(port);
    const bytes = typeof body === "string"
      ? new TextEncoder().encode(body)
      : body;
    const head = new TextEncoder().encode(
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    );
    await socket.write(new Uint8Array([...head, ...bytes]));
    await socket.readUntil("\r\n\r\n");
  };
}

Deno.test("a body that came along is taken at once, as its text", async () => {
  for (const text of ['{"a":"ä€𝄞"}', "", "x".repeat(300)]) {
    assert.deepEqual(await served(inOnePiece(text)), {
      taken: text,
      rest: undefined,
    });
  }
});

Deno.test("bytes that are no UTF-8 are taken as request.text() reads them", async () => {
  const bytes = new Uint8Array([0x22, 0xc3, 0x28, 0xff, 0xf0, 0x9f, 0x22]);
  const { taken } = await served(inOnePiece(bytes));
  assert.equal(taken, await new Response(bytes).text());
});

Deno.test("a body that is yet to come is left for others to read", async () => {
  const pieces = ["first ", "second"];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) return controller.close();
      controller.enqueue(new TextEncoder().encode(piece));
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  const taken = await served(async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}`, {
      method: "POST",
      body,
    });
    await response.body?.cancel();
  });
  assert.deepEqual(taken, { taken: undefined, rest: "first second" });
});

Deno.test("a request that no listener made is left alone", async () => {
  const request = new Request("http://localhost/", {
    method: "POST",
    body: "text",
  });
  assert.equal(bufferedText(request), undefined);
  assert.equal(await request.text(), "text");
});

/** What both ways to read say of a request's headers. */
async function headersOf(head: string, name: string) {
  const seen = Promise.withResolvers<(string | null)[]>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      const read = headersNow(request);
      assert.notEqual(read, request.headers);
      seen.resolve([read.get(name), request.headers.get(name)]);
      return new Response();
    },
  );
  using socket = await RawSocket.open(server.addr.port);
  await socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`);
  await socket.readUntil("\r\n\r\n");
  return await seen.promise;
}

Deno.test("a header is read one by one as it is from the list", async () => {
  for (
    const [head, expected] of [
      ["X-Name: a", "a"],
      ["x-name: a\r\nX-NAME: b", "a, b"],
      ["x-name:   spaced  ", "spaced"],
      ["x-name: caf\u00e9", null],
      ["x-name:", ""],
      ["other: a", null],
    ] as const
  ) {
    const [now, standard] = await headersOf(head, "x-name");
    assert.equal(now, standard, head);
    if (!head.includes("\u00e9")) assert.equal(now, expected, head);
  }
});

Deno.test("headers of a request that no listener made are its own", () => {
  const request = new Request("http://localhost/", { headers: { a: "b" } });
  assert.equal(headersNow(request), request.headers);
});

/** Sends a request of a tenant, in one piece, over a connection of its own. */
async function send(
  tenant: string,
  port: number,
  method: string,
  params: JsonObject,
): Promise<RawSocket> {
  const message = modernCall(method, params);
  const socket = await RawSocket.open(port);
  await socket.write(httpText({
    headers: { ...modernHeaders(message), "x-tenant": tenant },
    body: JSON.stringify(message),
  }));
  return socket;
}

/** By then Deno has forgotten a request that was answered. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** Sends a message of a legacy client. */
function askLegacy(
  port: number,
  message: JsonObject,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify(message),
  });
}

function tenantOf(ctx: ServerContext): string | null | undefined {
  return ctx.http?.req?.headers.get("x-tenant");
}

Deno.test("a handler may read the headers when its call has long been answered", async () => {
  const server = new McpServer({ name: "late", version: "1.0.0" });
  const kept: ServerContext[] = [];
  const inputSchema = z.object({});
  server.registerTool("none", {}, (ctx) => kept.push(ctx));
  server.registerTool("some", { inputSchema }, (_, ctx) => kept.push(ctx));
  server.registerTool(
    "rest",
    { inputSchema },
    (...all: unknown[]) => kept.push(all[1] as ServerContext),
  );
  await using running = await server.serve({ port: 0 });
  for (const name of ["none", "some", "rest"]) {
    using socket = await send(name, running.port, "tools/call", {
      name,
      arguments: {},
    });
    assert(!(await socket.readUntil('"content"')).includes("isError"));
    await later();
    assert.equal(tenantOf(kept.at(-1)!), name);
  }
});

Deno.test("what a handler takes of a context that it doesn't name is kept", async () => {
  const server = new McpServer({ name: "now", version: "1.0.0" });
  const held: (Request | undefined)[] = [];
  server.registerTool(
    "default",
    { inputSchema: z.object({}) },
    (_, ctx = undefined as unknown as ServerContext) => {
      held.push(ctx.http?.req);
      return "done";
    },
  );
  await using running = await server.serve({ port: 0 });
  using socket = await send("a", running.port, "tools/call", {
    name: "default",
    arguments: {},
  });
  await socket.readUntil("done");
  await later();
  assert.equal(held[0]?.headers.get("x-tenant"), "a");
});

Deno.test("headers are listed only for a handler that may keep its context", async () => {
  const server = new McpServer({ name: "listed", version: "1.0.0" });
  const inputSchema = z.object({});
  server.registerTool("alone", { inputSchema }, (_) => "done");
  server.registerTool("both", { inputSchema }, (_, _ctx) => "done");
  await using running = await server.serve({ port: 0 });
  const getter = Object.getOwnPropertyDescriptor(Request.prototype, "headers")!;
  let listed = 0;
  Object.defineProperty(Request.prototype, "headers", {
    ...getter,
    get() {
      listed++;
      return getter.get!.call(this);
    },
  });
  try {
    for (const [name, expected] of [["alone", 0], ["both", 1]] as const) {
      listed = 0;
      using socket = await send("a", running.port, "tools/call", {
        name,
        arguments: {},
      });
      await socket.readUntil("done");
      assert.equal(listed, expected, name);
    }
  } finally {
    Object.defineProperty(Request.prototype, "headers", getter);
  }
});

/** What a tool of one call at a time, for a while the first one's, reads of its calls. */
async function tenantsInLine(
  ask: (port: number, tenant: string) => Promise<Response>,
): Promise<unknown[]> {
  const server = new McpServer({ name: "line", version: "1.0.0" }, {
    responseMode: "sse",
  });
  const first = Promise.withResolvers<void>();
  const both = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  server.registerTool("one", { concurrency: 1 }, async (ctx) => {
    if (seen.length > 0) both.resolve();
    else await first.promise;
    seen.push(tenantOf(ctx));
    return "done";
  });
  await using running = await server.serve({ port: 0 });
  const busy = await ask(running.port, "a");
  await (await ask(running.port, "b")).body?.cancel();
  first.resolve();
  await busy.text();
  await both.promise;
  return seen;
}

Deno.test("a handler may read the headers of a client that left while it waited in line", async () => {
  let session: Promise<Record<string, string>> | undefined;
  const opened = async (port: number) => {
    const response = await askLegacy(port, initialize(), {});
    await response.body?.cancel();
    return { "mcp-session-id": response.headers.get("mcp-session-id")! };
  };
  let id = 0;
  const tenants = await tenantsInLine(async (port, tenant) => {
    session ??= opened(port);
    return await askLegacy(port, {
      jsonrpc: "2.0",
      id: ++id,
      method: "tools/call",
      params: { name: "one" },
    }, { ...await session, "x-tenant": tenant });
  });
  assert.deepEqual(tenants, ["a", "b"]);
});

Deno.test("the author's own handler of a stream's end may read its headers", async () => {
  const server = new McpServer({ name: "own", version: "1.0.0" });
  server.registerResource("a", "a://b", {}, () => "x");
  const told: unknown[] = [];
  const left = Promise.withResolvers<void>();
  for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
    server.server.setRequestHandler(method, (_, ctx) => {
      if (told.push([method, tenantOf(ctx)]) === 2) left.resolve();
      return {};
    });
  }
  await using running = await server.serve({ port: 0 });
  const open = async (tenant: string) => {
    const socket = await send(tenant, running.port, "subscriptions/listen", {
      notifications: { resourceSubscriptions: ["a://b"] },
    });
    await socket.readUntil("acknowledged");
    return socket;
  };
  const first = await open("a");
  const last = await open("b");
  first[Symbol.dispose]();
  await eventually(() => server.stats.subscriptions === 1);
  last[Symbol.dispose]();
  await left.promise;
  assert.deepEqual(told, [
    ["resources/subscribe", "a"],
    ["resources/unsubscribe", "b"],
  ]);
});

Deno.test("cached work that its client no longer waits for may read the headers", async () => {
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  const slow: CacheStore = {
    async get() {
      asked.resolve();
      await found.promise;
    },
    set: () => true,
    delete: () => false,
    invalidateTag() {},
  };
  const server = new McpServer({ name: "cached", version: "1.0.0" });
  server.registerTool("tenant", {
    annotations: { readOnlyHint: true },
    timeoutMs: 500,
    cache: { ttlMs: 60_000, public: true, cache: slow },
  }, (ctx) => tenantOf(ctx));
  await using running = await server.serve({ port: 0 });
  const ask = (tenant: string) =>
    send(tenant, running.port, "tools/call", { name: "tenant" });
  using tooLate = await ask("a");
  await asked.promise;
  await new Promise((resolve) => setTimeout(resolve, 250));
  using inTime = await ask("b");
  await tooLate.readUntil("500 ms");
  await later();
  found.resolve();
  await inTime.readUntil('"a"');
});

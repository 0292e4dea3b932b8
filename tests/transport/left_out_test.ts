import assert from "node:assert/strict";
import { z } from "zod";
import { fromJsonSchema, type JsonObject, linkedPair } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { makeSubject } from "./subject.ts";
import {
  ask,
  CAPABILITIES_KEY,
  initialize,
  LegacyClient,
  post,
} from "./wire.ts";

const INFO = "io.modelcontextprotocol/clientInfo";
const LOG = "io.modelcontextprotocol/logLevel";

function makeServer() {
  const subject = makeSubject();
  const { server } = subject;
  server.registerTool("seen", {
    inputSchema: fromJsonSchema<JsonObject>({ type: "object" }),
  }, (args, ctx) => ({
    structuredContent: {
      args,
      info: ctx.clientInfo ?? "none",
      capabilities: ctx.clientCapabilities,
      meta: ctx.mcpReq._meta ?? "none",
    },
  }));
  server.registerTool("ask", {}, async (ctx) => {
    const { action, content } = await ctx.elicit({
      message: "?",
      requestedSchema: z.object({ name: z.string().optional() }),
    });
    return JSON.stringify({ action, content: content ?? "none" });
  });
  server.registerPrompt("maybe", {
    argsSchema: z.object({ name: z.string().optional() }),
  }, ({ name }) => `Hello ${name ?? "you"}`);
  return subject;
}

const nothing: [method: string, params: JsonObject][] = [
  ["tools/list", { cursor: null }],
  ["prompts/list", { cursor: null }],
  ["resources/list", { cursor: null }],
  ["resources/templates/list", { cursor: null }],
  ["tools/call", { name: "any", arguments: null }],
  [
    "tools/call",
    { name: "any", inputResponses: null, requestState: null },
  ],
  ["prompts/get", { name: "maybe", arguments: null }],
  ["prompts/get", { name: "maybe", arguments: { name: null } }],
  ["completion/complete", {
    ref: { type: "ref/prompt", name: "greet", title: null },
    argument: { name: "name", value: "A" },
    context: null,
  }],
  ["completion/complete", {
    ref: { type: "ref/prompt", name: "greet" },
    argument: { name: "name", value: "A" },
    context: { arguments: null },
  }],
  ["resources/read", { uri: "test://fixed", requestState: null }],
];

Deno.test("null for what may be left out is left out, in both eras", async () => {
  const { server, log } = makeServer();
  const client = await LegacyClient.open(server);
  for (const [method, params] of nothing) {
    for (
      const _meta of [undefined, { progressToken: null, traceparent: null }]
    ) {
      const sent = { ...params, ...(_meta && { _meta }) };
      const modern = await ask(server, method, sent);
      assert.equal(modern.body.error, undefined, `${method} ${modern.text}`);
      assert.notEqual(modern.body.result.isError, true, modern.text);
      const legacy = await client.ask(method, sent);
      assert.equal(legacy.body.error, undefined, `${method} ${legacy.text}`);
    }
    const legacy = await client.ask(method, { ...params, _meta: null });
    assert.equal(legacy.body.error, undefined, `${method} ${legacy.text}`);
  }
  for (const method of ["ping", "tools/list"]) {
    const answer = await client.post({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: null,
      result: null,
      error: null,
    });
    assert.equal(answer.body.error, undefined, answer.text);
  }
  assert.deepEqual(log, []);
});

Deno.test("what is data stays null", async () => {
  const { server } = makeServer();
  const args = { a: null, b: { c: [null] } };
  const meta = { "example.com/x": null, own: { y: null }, progressToken: null };
  const { body } = await ask(server, "tools/call", {
    name: "seen",
    arguments: args,
    _meta: { ...meta, [INFO]: null, [LOG]: null },
  });
  const { structuredContent: seen } = body.result;
  assert.deepEqual(seen.args, args);
  assert.deepEqual(seen.meta, { "example.com/x": null, own: { y: null } });
  assert.equal(seen.info, "none");

  server.server.setRequestHandler(
    "acme/own",
    { params: z.any(), result: z.any() } as never,
    (params: unknown) => ({ params }) as never,
  );
  const own = await ask(server, "acme/own", { x: null, y: { z: null } });
  assert.match(own.text, /"x":null,"y":\{"z":null\}/);
});

Deno.test("a capability that is null is not declared", async () => {
  const { server } = makeServer();
  const capabilities = { elicitation: null, roots: { listChanged: null } };
  const { body } = await ask(server, "tools/call", {
    name: "seen",
    _meta: {
      [CAPABILITIES_KEY]: capabilities,
      [INFO]: { name: "n", title: null },
    },
  });
  const { structuredContent: seen } = body.result;
  assert.deepEqual(seen.capabilities, { roots: {} });
  assert.deepEqual(seen.info, { name: "n" });
  const asked = await ask(server, "tools/call", {
    name: "ask",
    _meta: { [CAPABILITIES_KEY]: capabilities },
  });
  assert.equal(asked.body.error?.code, -32021);

  const begun = initialize("2025-06-18", capabilities);
  const { clientInfo } = begun.params as { clientInfo: JsonObject };
  clientInfo.title = clientInfo.icons = null;
  const { headers } = await post(server, begun);
  const answer = await post(server, {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "seen" },
  }, { headers: { "mcp-session-id": headers.get("mcp-session-id")! } });
  const legacy = answer.body.result.structuredContent;
  assert.deepEqual(legacy.capabilities, { roots: {} });
  assert.deepEqual(legacy.info, { name: "test", version: "1.0.0" });
});

Deno.test("a notification may have an id that is null, a request may not", async () => {
  const { server } = makeServer();
  const client = await LegacyClient.open(server);
  const note = await client.post({
    jsonrpc: "2.0",
    id: null,
    method: "notifications/cancelled",
    params: { requestId: 5, reason: null, _meta: null },
  });
  assert.deepEqual([note.status, note.text], [202, ""]);
  const request = await client.post({
    jsonrpc: "2.0",
    id: null,
    method: "ping",
  });
  assert.equal(request.body.error?.code, -32600);
});

Deno.test("an answer may say null to what it leaves out", async () => {
  const answers: [answer: JsonObject, expected: string][] = [
    [{ result: { action: "decline", content: null }, error: null }, "decline"],
    [
      { method: null, result: { action: "accept", content: { name: null } } },
      `"content":{}`,
    ],
    [
      { result: null, error: { code: 5, message: "no such user" } },
      "no such user",
    ],
  ];
  for (const [answer, expected] of answers) {
    const { server } = makeServer();
    const [near, far] = linkedPair();
    await server.connect(far);
    const received: JsonObject[] = [];
    near.onmessage = (message) => {
      const { id, method } = message as unknown as JsonObject;
      received.push(message as unknown as JsonObject);
      if (method === "elicitation/create") {
        near.send({ jsonrpc: "2.0", id, ...answer } as never);
      }
    };
    await near.start();
    await near.send(
      initialize("2025-11-25", { elicitation: {} }) as never,
    );
    await near.send(
      {
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "ask" },
      } as never,
    );
    await eventually(() => received.some(({ id }) => id === 1));
    const last = JSON.stringify(received.at(-1)).replaceAll("\\", "");
    assert.ok(last.includes(expected), last);
    await server.close();
  }
});

const BIG = ["9007199254740993", "-9007199254740993", "12345678901234567890"];

Deno.test("large progress tokens and ids are echoed, and cancelled by", async () => {
  const { server } = makeServer();
  const begun: string[] = [];
  server.registerTool("hold", {}, async (ctx) => {
    await ctx.progress(1);
    begun.push(String(ctx.requestId));
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve)
    );
    return "x";
  });
  const client = await LegacyClient.open(server);
  for (const id of BIG) {
    const posted = client.post(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call",` +
        `"params":{"name":"hold","_meta":{"progressToken":${id}}}}`,
    );
    await eventually(() => begun.includes(id));
    const cancel = (requestId: string) =>
      client.post(
        `{"jsonrpc":"2.0","method":"notifications/cancelled",` +
          `"params":{"requestId":${requestId}}}`,
      );
    await cancel(id.replace(/.$/, "1"));
    await cancel(`"${id}"`);
    assert.equal(server.stats.inFlight, 1);
    await cancel(id);
    const { text } = await posted;
    assert.match(text, new RegExp(`"progressToken":${id},"progress":1`));
    assert.equal(server.stats.inFlight, 0);
  }
  const args = `{"id":${BIG[0]},"progressToken":${BIG[0]}}`;
  const data = await client.post(
    `{"jsonrpc":"2.0","id":${BIG[0]},"method":"tools/call",` +
      `"params":{"name":"seen","arguments":${args}}}`,
  );
  assert.ok(data.text.startsWith(`{"jsonrpc":"2.0","id":${BIG[0]},`));
  assert.deepEqual(data.body.result.structuredContent.args, JSON.parse(args));
});

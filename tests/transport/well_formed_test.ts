import assert from "node:assert/strict";
import { z } from "zod";
import {
  type JsonObject,
  type LogRecord,
  McpServer,
  MemoryEventStore,
  ProtocolError,
  type StdioStreams,
} from "../../mod.ts";
import {
  type Answer,
  ask,
  CAPABILITIES_KEY,
  initialize,
  LegacyClient,
  modernCall,
} from "./wire.ts";

/** A text that was cut through an emoji: parsers in other languages refuse its escape. */
const CUT = "hi \u{1F600}".slice(0, 4);
const SENT = "hi \uFFFD";

const lines: LogRecord[] = [];

function makeServer(options: JsonObject = {}): McpServer {
  const server = new McpServer({ name: "cut", version: "1.0.0" }, {
    log: (record) => lines.push(record),
    ...options,
  });
  server.registerTool("text", { description: CUT }, () => CUT);
  server.registerTool("data", {}, () => ({ [CUT]: [CUT] }));
  server.registerTool("schema", {
    outputSchema: z.object({ a: z.string() }),
  }, () => ({ a: CUT }));
  server.registerTool("full", {}, () => ({
    content: [{ type: "text" as const, text: CUT, _meta: { a: CUT } }],
  }));
  server.registerTool("error", {}, () => {
    throw new Error(CUT);
  });
  server.registerTool("told", {}, async (ctx) => {
    await ctx.progress(1, 2, CUT);
    ctx.log.info({ a: CUT });
    await ctx.mcpReq.notify({
      method: "notifications/own",
      params: { a: CUT },
    });
    return CUT;
  });
  server.registerTool("asks", {}, async (ctx) => {
    const { action } = await ctx.elicit({
      message: CUT,
      requestedSchema: { type: "object", properties: {} },
    });
    return action;
  });
  server.registerPrompt("prompt", { title: CUT }, () => CUT);
  server.registerResource("resource", "r://1", { title: CUT }, () => CUT);
  server.registerResource("json", "r://2", {}, () => ({ a: CUT }));
  server.server.setRequestHandler("own/error", () => {
    throw new ProtocolError(-32_000, CUT, { a: CUT, m: new Map([["a", 1]]) });
  });
  server.server.setRequestHandler("own/result", () => ({ a: CUT }));
  return server;
}

const REQUESTS: [method: string, params: JsonObject][] = [
  ...["text", "data", "schema", "full", "error", "told", "none" + CUT].map((
    name,
  ): [string, JsonObject] => ["tools/call", { name }]),
  ["tools/list", {}],
  ["prompts/list", {}],
  ["resources/list", {}],
  ["prompts/get", { name: "prompt" }],
  ["resources/read", { uri: "r://1" }],
  ["resources/read", { uri: "r://2" }],
  ["resources/read", { uri: `r://${CUT}` }],
  ["own/error", {}],
  ["own/result", {}],
];

function assertWellFormed(text: string, about: string): void {
  assert.doesNotMatch(text.replaceAll("\\\\", ""), /\\ud[89a-f]/, about);
  assert(text.isWellFormed(), about);
}

function check({ text, status }: Answer, about: string): void {
  assertWellFormed(text, about);
  assert(text.includes(SENT) || status === 404, about);
}

for (const responseMode of ["auto", "sse"] as const) {
  Deno.test(`modern, ${responseMode}: answers and what goes before them`, async () => {
    const server = makeServer({ responseMode });
    for (const [method, params] of REQUESTS) {
      const _meta = {
        progressToken: CUT,
        "io.modelcontextprotocol/logLevel": "debug",
      };
      const answer = await ask(server, method, { ...params, _meta }, {
        id: CUT,
        headers: typeof params.name === "string" && params.name.endsWith(CUT)
          ? { "mcp-name": null }
          : {},
      });
      check(answer, JSON.stringify([method, params]));
    }
    const asked = await ask(server, "tools/call", {
      name: "asks",
      _meta: { [CAPABILITIES_KEY]: { elicitation: {} } },
    });
    check(asked, "input required");
    await server.close();
  });
}

for (const eventStore of [undefined, new MemoryEventStore()]) {
  Deno.test(`legacy, ${eventStore ? "resumable" : "plain"}: likewise`, async () => {
    const server = makeServer({ eventStore });
    const client = await LegacyClient.open(server);
    for (const [method, params] of REQUESTS) {
      const answer = await client.ask(
        method,
        { ...params, _meta: { progressToken: CUT } },
        CUT,
      );
      check(answer, JSON.stringify([method, params]));
    }
    await server.close();
  });
}

Deno.test("stdio: answers, notifications and questions", async () => {
  const server = makeServer();
  const written: string[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const requests = [
    initialize("2025-11-25", { elicitation: {} }),
    { jsonrpc: "2.0", method: "notifications/initialized" },
    ...REQUESTS.map(([method, params], index) => ({
      jsonrpc: "2.0",
      id: `${CUT} ${index}`,
      method,
      params: { ...params, _meta: { progressToken: CUT } },
    })),
    modernCall("tools/call", { name: "text" }, CUT),
    { jsonrpc: "2.0", id: 99, method: "tools/call", params: { name: "asks" } },
  ];
  let input: Uint8Array | undefined = new TextEncoder().encode(
    requests.map((each) => `${JSON.stringify(each)}\n`).join(""),
  );
  const streams: StdioStreams = {
    async read(buffer) {
      const bytes = input;
      input = undefined;
      if (bytes === undefined) {
        await new Promise((done) => setTimeout(done, 50));
        return null;
      }
      buffer.set(bytes);
      return bytes.length;
    },
    write(bytes) {
      written.push(decoder.decode(bytes));
      return Promise.resolve(bytes.length);
    },
  };
  await server.serveStdio({ streams, signals: false });
  const out = written.join("");
  assertWellFormed(out, "stdout");
  assert.match(out, /"method":"elicitation\/create"[^\n]*hi \uFFFD/);
  assert.match(out, /"method":"notifications\/message"[^\n]*hi \uFFFD/);
  assert.match(out, /"progressToken":"hi \uFFFD"[^\n]*"message":"hi \uFFFD"/);
});

Deno.test("log lines, also those that are cut off", async () => {
  lines.length = 0;
  const server = makeServer();
  server.log.error(CUT, { [CUT]: CUT, error: new Error(CUT) });
  server.log.error(`${"x".repeat(8_191)}😀`);
  await ask(server, "tools/call", { name: "error" });
  assert(lines.length >= 3);
  for (const line of lines) {
    assertWellFormed(JSON.stringify(line), "a log line");
  }
  await server.close();
});

Deno.test("what operators read", async () => {
  const server = makeServer({ dashboard: true });
  server.health.add(CUT, () => ({ status: "degraded", message: CUT }));
  await ask(server, "tools/call", { name: "error" });
  const pages: [path: string, accept: string][] = [
    ["/health/detailed", "*/*"],
    ["/metrics", "application/json"],
    ["/metrics", "text/plain"],
    ["/dashboard/events", "text/event-stream"],
  ];
  for (const [path, accept] of pages) {
    const { body } = await server.fetch(
      new Request(`http://127.0.0.1${path}`, { headers: { accept } }),
    );
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value = "" } = await reader.read();
    assertWellFormed(value, path);
    assert(value.length > 10, path);
    await reader.cancel();
  }
  await server.close();
});

import assert from "node:assert/strict";
import { CALLER, TRACE, traceparent } from "../observe/caller_trace.ts";
import { z } from "zod";
import { type LogRecord, McpServer } from "../../mod.ts";
import { ambientTelemetry } from "../../src/observe/trace/telemetry.ts";
import { provider } from "../observe/ended_spans.ts";
import { eventually } from "../support/eventually.ts";
import { connectMemory } from "../support/legs.ts";
import { ask, LegacyClient } from "../transport/wire.ts";

/** Spans of requests, as an author's own provider takes them. */

const ERROR = 2;

Deno.test("an author's own provider gets each request's span", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool("traced", {}, (ctx) => ctx.traceId ?? "none");
  const result = await server.call("tools/call", {
    name: "traced",
    _meta: { traceparent, tracestate: "rojo=1" },
  });
  const span = ended.named("tools/call traced");
  assert.equal(span.spanContext().traceId, TRACE);
  assert.equal(span.parentSpanContext?.spanId, CALLER);
  assert.equal(span.parentSpanContext?.isRemote, true);
  assert.equal(span.spanContext().traceState?.serialize(), "rojo=1");
  assert.equal(span.instrumentationScope.name, "@sluice/mcp");
  assert.deepEqual((result.content as { text: string }[])[0].text, TRACE);
});

Deno.test("HTTP headers name the parent where no HTTP span is active", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool("one", {}, () => 1);
  await ask(server, "tools/call", { name: "one" }, {
    headers: { traceparent },
  });
  const span = ended.named("tools/call one");
  assert.equal(span.spanContext().traceId, TRACE);
  assert.equal(span.parentSpanContext?.spanId, CALLER);
  assert.equal(span.attributes["network.transport"], "tcp");
});

Deno.test("requests under way at once keep their spans apart", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool(
    "wait",
    { inputSchema: z.object({ ms: z.number() }) },
    async ({ ms }, ctx) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      const { activeSpan } = ambientTelemetry()!;
      assert.equal(activeSpan!.spanContext().traceId, ctx.traceId);
      return ctx.traceId!;
    },
  );
  const ids = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(32, "a"));
  const answers = await Promise.all(
    ids.map((traceId, i) =>
      server.call("tools/call", {
        name: "wait",
        arguments: { ms: 20 - i },
        _meta: { traceparent: `00-${traceId}-${CALLER}-01` },
      })
    ),
  );
  assert.deepEqual(
    answers.map((answer) => (answer.content as { text: string }[])[0].text),
    ids,
  );
  assert.equal(ended.all.length, 20);
  assert.equal(ambientTelemetry()!.activeSpan, undefined);
});

Deno.test("a request that is called off, and a subscription, end once", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  const begun = Promise.withResolvers<void>();
  server.registerTool("hangs", {}, async (ctx) => {
    begun.resolve();
    await new Promise((resolve) =>
      ctx.signal.addEventListener("abort", resolve, { once: true })
    );
    throw new Error("late");
  });
  const stop = new AbortController();
  const call = server.call("tools/call", { name: "hangs" }, {
    signal: stop.signal,
  });
  await begun.promise;
  stop.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  const span = ended.named("tools/call hangs");
  assert.equal(span.attributes["error.type"], "cancelled");
  assert.equal(span.status.code, ERROR);

  const listening = new AbortController();
  const listen = server.call("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  }, { signal: listening.signal });
  await eventually(() =>
    ended.all.some(({ name }) => name === "subscriptions/listen")
  );
  listening.abort(new Error("heard enough"));
  await assert.rejects(listen, /heard enough/);
  assert.equal(ended.all.length, 2);
  assert.equal(
    ended.named("subscriptions/listen").attributes["error.type"],
    undefined,
  );
});

Deno.test("errors that are masked are masked in spans, too", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
    maskErrors: true,
    log: () => {},
  });
  server.registerPrompt("broken", {}, () => {
    throw new Error("the password is 1234");
  });
  await assert.rejects(server.call("prompts/get", { name: "broken" }));
  const span = ended.named("prompts/get broken");
  assert.equal(span.status.code, ERROR);
  assert.equal(span.attributes["error.type"], "-32603");
  assert.equal(JSON.stringify(span.status).includes("1234"), false);
});

Deno.test("no password in a URI reaches a span, neither its attributes nor its status", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerResource("one", "note://1", {}, () => "1");
  const uri = "postgres://ada:hush@db/x";
  await assert.rejects(server.call("resources/read", { uri }), /ada:hush@db/);
  const { attributes, status } = ended.named("resources/read");
  assert.equal(attributes["mcp.resource.uri"], "postgres://[redacted]@db/x");
  assert.match(status.message!, /\[redacted\]@db/);
});

Deno.test("words of clients are cut", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  await assert.rejects(
    server.call("tools/call", { name: "x".repeat(10_000) }),
  );
  await assert.rejects(server.call("y".repeat(10_000)));
  const [tool, method] = ended.all;
  assert.equal(tool.name, "tools/call");
  assert.equal(tool.attributes["gen_ai.tool.name"], "x".repeat(256));
  assert.equal(method.name, "_OTHER");
  assert.equal(method.attributes["mcp.method.name"], "y".repeat(256));
});

Deno.test("a request that is refused is one, too", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  const client = await LegacyClient.open(server);
  await client.ask("tools/list", { _meta: { progressToken: {}, traceparent } });
  const span = ended.named("tools/list");
  assert.equal(span.parentSpanContext?.spanId, CALLER);
  assert.equal(span.attributes["error.type"], "-32602");
  await client.end();
});

Deno.test("the server's log lines name the trace", async () => {
  const { ended, tracing } = provider();
  const lines: LogRecord[] = [];
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
    logLevel: "debug",
    log: (line) => void lines.push(line),
  });
  server.registerTool("one", {}, () => 1);
  await server.call("tools/call", { name: "one" });
  const { traceId } = ended.named("tools/call one").spanContext();
  assert.equal(
    lines.find(({ fields }) => fields.tool === "one")?.fields.traceId,
    traceId,
  );
});

Deno.test("over a pair in memory, a legacy call says its session's revision", async () => {
  const { ended, tracing } = provider();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool("one", {}, () => 1);
  await using client = await connectMemory(
    { generation: "v1", era: "legacy" },
    server,
  );
  await client.tool("one", {}, { _meta: { traceparent } });
  const span = ended.named("tools/call one");
  assert.equal(span.parentSpanContext?.spanId, CALLER);
  assert.equal(span.attributes["mcp.protocol.version"], "2025-11-25");
  assert.equal("network.transport" in span.attributes, false);
});

Deno.test("a provider that fails takes no request down", async () => {
  const broken = new Proxy({}, {
    get() {
      throw new Error("out of order");
    },
  });
  const tracers = [
    {
      startSpan() {
        throw new Error("out of order");
      },
    },
    { startSpan: () => broken },
  ];
  const histogram = {
    record() {
      throw new Error("out of order");
    },
  };
  const meter = {
    createHistogram: () => histogram,
    createObservableCounter: () => ({}),
    createObservableGauge: () => ({}),
    addBatchObservableCallback() {},
    removeBatchObservableCallback() {},
  };
  for (const tracer of tracers) {
    await using server = new McpServer({ name: "test", version: "1.0.0" }, {
      tracing: {
        tracerProvider: { getTracer: () => tracer as never },
        meterProvider: { getMeter: () => meter },
      },
    });
    server.registerTool("one", {}, () => 1);
    const result = await server.call("tools/call", { name: "one" });
    assert.deepEqual(result.content, [{ type: "text", text: "1" }]);
  }
});

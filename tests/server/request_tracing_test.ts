import assert from "node:assert/strict";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { z } from "zod";
import {
  HttpPool,
  InvalidOptionError,
  McpServer,
  type McpServerOptions,
  PostgresPool,
} from "../../mod.ts";
import { ambientTelemetry } from "../../src/observe/ambient_telemetry.ts";
import { TestServer } from "../pool/http_server.ts";
import { connectMemory } from "../support/legs.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../transport/wire.ts";

/** Spans as an author's own provider takes them, of OpenTelemetry's SDK. */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const traceparent = `00-${TRACE}-${CALLER}-01`;
const ERROR = 2;

/** Keeps the spans that have ended, in that order. */
class EndedSpans implements SpanProcessor {
  readonly all: ReadableSpan[] = [];

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.all.push(span);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  named(name: string): ReadableSpan {
    const found = this.all.find((span) => span.name === name);
    assert.ok(found, `${name} among ${this.all.map((span) => span.name)}`);
    return found;
  }
}

function provider(): {
  ended: EndedSpans;
  tracing: McpServerOptions["tracing"];
} {
  const ended = new EndedSpans();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [ended] });
  return { ended, tracing: { tracerProvider } };
}

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

Deno.test("HttpPool makes spans and headers of its own where Deno does not", async () => {
  const seen: Headers[] = [];
  await using backend = new TestServer(({ headers }) => {
    seen.push(headers);
    return seen.length === 1
      ? new Response("", { status: 503 })
      : new Response("here");
  });
  const { ended, tracing } = provider();
  await using http = new HttpPool({ retryDelayMs: 1 });
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool(
    "backend",
    {},
    async () => await http.getText(`${backend.origin}/a?key=private`),
  );
  await server.call("tools/call", {
    name: "backend",
    _meta: { traceparent, tracestate: "rojo=1" },
  });
  const call = ended.named("tools/call backend");
  const tries = ended.all.filter(({ name }) => name === "GET");
  assert.equal(tries.length, 2);
  for (const [index, { parentSpanContext, kind, ...span }] of tries.entries()) {
    assert.equal(parentSpanContext?.spanId, call.spanContext().spanId);
    assert.equal(kind, 2);
    assert.equal(span.attributes["url.full"], `${backend.origin}/a`);
    const { spanId } = tries[index].spanContext();
    assert.equal(seen[index].get("traceparent"), `00-${TRACE}-${spanId}-01`);
    assert.equal(seen[index].get("tracestate"), "rojo=1");
  }
  const [first, second] = tries.map(({ attributes }) => attributes);
  assert.equal(first["http.response.status_code"], 503);
  assert.equal(first["error.type"], "503");
  assert.equal("http.request.resend_count" in first, false);
  assert.equal(second["http.response.status_code"], 200);
  assert.equal(second["http.request.resend_count"], 1);
  await assert.rejects(http.getText("http://127.0.0.1:1/", { maxRetries: 0 }));
  const lost = ended.all.at(-1)!;
  assert.equal(lost.attributes["error.type"], "TypeError");
  assert.equal(lost.parentSpanContext, undefined, "outside any request");
});

Deno.test("a database in the process is traced as one at the other end of a wire", async () => {
  const { ended, tracing } = provider();
  await using db = await PostgresPool.connect("memory://");
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing,
  });
  server.registerTool("query", {}, async () => {
    await using session = await db.acquire();
    await session.script("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    return await session.queryValue("SELECT id FROM t WHERE id = $1", [1]);
  });
  await server.call("tools/call", { name: "query" });
  const call = ended.named("tools/call query");
  const select = ended.named("SELECT t");
  assert.equal(select.parentSpanContext?.spanId, call.spanContext().spanId);
  assert.equal(select.attributes["db.system.name"], "postgresql");
  assert.equal("server.address" in select.attributes, false);
  assert.equal(
    "db.query.text" in ended.named("CREATE t INSERT t").attributes,
    false,
  );
});

Deno.test("what is registered with OpenTelemetry's API is taken by itself", async () => {
  const ended = new EndedSpans();
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({
      spanProcessors: [ended],
    }),
  );
  try {
    await using server = new McpServer({ name: "test", version: "1.0.0" });
    server.registerTool("own", {}, async () => {
      await Promise.resolve();
      trace.getTracer("author").startSpan("author's work").end();
      return "done";
    });
    await server.call("tools/call", { name: "own" });
  } finally {
    trace.disable();
    context.disable();
  }
  const call = ended.named("tools/call own");
  assert.equal(
    ended.named("author's work").parentSpanContext?.spanId,
    call.spanContext().spanId,
  );
});

Deno.test("pools hear of the latest server that traces, and of none once it has closed", async () => {
  assert.equal(ambientTelemetry(), undefined);
  const one = new McpServer({ name: "one", version: "1.0.0" }, provider());
  const first = ambientTelemetry();
  const two = new McpServer({ name: "two", version: "1.0.0" }, provider());
  assert.notEqual(ambientTelemetry(), first);
  await two.close();
  assert.equal(ambientTelemetry(), first);
  await one.close();
  assert.equal(ambientTelemetry(), undefined);
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
  for (const tracer of tracers) {
    await using server = new McpServer({ name: "test", version: "1.0.0" }, {
      tracing: { tracerProvider: { getTracer: () => tracer as never } },
    });
    server.registerTool("one", {}, () => 1);
    const result = await server.call("tools/call", { name: "one" });
    assert.deepEqual(result.content, [{ type: "text", text: "1" }]);
  }
});

Deno.test("off, nothing is made; the trace id is still there to be read", async () => {
  await using server = new McpServer({ name: "test", version: "1.0.0" });
  await using never = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing: false,
  });
  for (const each of [server, never]) {
    each.registerTool("traced", {}, (ctx) => {
      assert.equal((ctx as unknown as { trace: unknown }).trace, undefined);
      return ctx.traceId ?? "none";
    });
    const text = async (_meta: Record<string, unknown>) => {
      const result = await each.call("tools/call", { name: "traced", _meta });
      return (result.content as { text: string }[])[0].text;
    };
    assert.equal(await text({ traceparent }), TRACE);
    assert.equal(await text({ traceparent: "nonsense" }), "none");
    assert.equal(await text({}), "none");
  }
  assert.equal(ambientTelemetry(), undefined);
});

Deno.test("nothing of OpenTelemetry is loaded with the server", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../mod.ts", import.meta.url).pathname],
    stderr: "null",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(modules.length > 100);
  assert.deepEqual(
    modules.map(({ specifier }: { specifier: string }) => specifier)
      .filter((specifier: string) => specifier.includes("opentelemetry")),
    [],
  );
});

Deno.test("an option that can't be used is refused", () => {
  const wrong = [
    "on",
    true,
    null,
    {},
    { tracerProvider: {} },
    { meterProvider: 1 },
    { tracerProvider: provider(), contextManager: {} },
  ];
  for (const tracing of wrong) {
    assert.throws(
      () =>
        new McpServer({ name: "test", version: "1.0.0" }, {
          tracing: tracing as never,
        }),
      InvalidOptionError,
    );
  }
});

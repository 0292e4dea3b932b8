import assert from "node:assert/strict";
import { context, type Span, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { InvalidOptionError, McpServer } from "../../mod.ts";
import { ambientTelemetry } from "../../src/observe/trace/telemetry.ts";
import { EndedSpans, provider } from "./ended_spans.ts";

/** Where telemetry comes from, and that there is none where nobody wants it. */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;

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

Deno.test("an author's own context manager knows the active span", async () => {
  const { ended, tracing } = provider();
  const contextManager = new AsyncLocalStorageContextManager();
  await using server = new McpServer({ name: "test", version: "1.0.0" }, {
    tracing: { ...tracing, contextManager },
  });
  let active: Span | undefined;
  server.registerTool("one", {}, async () => {
    await Promise.resolve();
    active = trace.getSpan(contextManager.active());
  });
  await server.call("tools/call", { name: "one" });
  assert.equal(
    active?.spanContext().spanId,
    ended.named("tools/call one").spanContext().spanId,
  );
});

Deno.test("pools hear of the latest server that traces, and of none once it has closed", async () => {
  assert.equal(ambientTelemetry(), undefined);
  const one = new McpServer({ name: "one", version: "1.0.0" }, {
    tracing: provider().tracing,
  });
  const first = ambientTelemetry();
  const two = new McpServer({ name: "two", version: "1.0.0" }, {
    tracing: provider().tracing,
  });
  assert.notEqual(ambientTelemetry(), first);
  await two.close();
  assert.equal(ambientTelemetry(), first);
  await one.close();
  assert.equal(ambientTelemetry(), undefined);
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

interface ModuleInfo {
  specifier: string;
  dependencies?: { code?: { specifier: string } }[];
}

/** What is loaded, imports of types left aside. */
function loadedWith(roots: string[], modules: ModuleInfo[]): Set<string> {
  const bySpecifier = new Map(modules.map((each) => [each.specifier, each]));
  const loaded = new Set(roots);
  for (const specifier of loaded) {
    for (const { code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code !== undefined) loaded.add(code.specifier);
    }
  }
  return loaded;
}

Deno.test("nothing of OpenTelemetry is loaded with the server", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../mod.ts", import.meta.url).pathname],
    stderr: "null",
  }).output();
  const { modules, roots } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(modules.length > 100);
  assert.deepEqual(
    [...loadedWith(roots, modules)]
      .filter((specifier) => specifier.includes("opentelemetry")),
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

import assert from "node:assert/strict";
import { CALLER, TRACE, traceparent } from "./caller_trace.ts";
import { connectStdio } from "../support/legs.ts";
import type { Loose } from "../support/clients.ts";
import { initialize } from "../transport/wire.ts";
import {
  assertChild,
  called,
  OtlpSink,
  SpanKind,
  STATUS_ERROR,
} from "./otlp_sink.ts";
import { TracedProcess } from "./traced_process.ts";

/** What the server's process exports is read back from a real OTLP sink. */

Deno.test("over HTTP, a call belongs to the caller's trace and links the HTTP span", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  await server.tool("echo", { text: "private" }, { traceparent });
  const call = await sink.span(called("tools/call echo"));
  const http = await sink.span(called("POST /mcp"));

  assert.equal(call.kind, SpanKind.SERVER);
  assert.equal(call.traceId, TRACE);
  assert.equal(call.parentSpanId, CALLER);
  assert.notEqual(http.traceId, TRACE);
  assert.deepEqual(
    call.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
    [{ traceId: http.traceId, spanId: http.spanId }],
  );
  assert.deepEqual(call.attributes, {
    "mcp.method.name": "tools/call",
    "mcp.protocol.version": "2026-07-28",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "echo",
    "jsonrpc.request.id": "1",
    "network.transport": "tcp",
    "network.protocol.name": "http",
  });
  assert.equal(call.status.code ?? 0, 0);
  assert.equal(http.kind, SpanKind.SERVER);
  assert.equal(http.attributes["http.route"], "/mcp");
});

Deno.test("without a trace of its own, a call is a child of the HTTP request's", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  await server.ask("prompts/get", { name: "greet" }, { traceparent });
  const prompt = await sink.span(called("prompts/get greet"));
  const http = await sink.span(called("POST /mcp"));
  assertChild(prompt, http);
  assert.equal(http.traceId, TRACE);
  assert.equal(http.parentSpanId, CALLER);
  assert.deepEqual(prompt.links, []);
  assert.equal(prompt.attributes["gen_ai.prompt.name"], "greet");
  assert.equal("gen_ai.operation.name" in prompt.attributes, false);

  await server.ask("resources/read", {
    uri: "note://one",
    _meta: { traceparent: `00-${"0".repeat(32)}-${CALLER}-01` },
  });
  const read = await sink.span(called("resources/read"));
  assert.equal(read.attributes["mcp.resource.uri"], "note://one");
  assert.deepEqual(read.links, [], "an invalid traceparent is none");
  assert.notEqual(read.parentSpanId, CALLER);
});

Deno.test("errors are told as the conventions say, and unknown names make no new span names", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  await server.tool("fails", {}, { traceparent });
  const failed = await sink.span(called("tools/call fails"));
  assert.equal(failed.attributes["error.type"], "tool_error");
  assert.equal(failed.status.code, STATUS_ERROR);
  assert.equal("rpc.response.status_code" in failed.attributes, false);

  await server.tool("no_such_tool");
  const unknown = await sink.span(called("tools/call"));
  assert.equal(unknown.attributes["error.type"], "-32602");
  assert.equal(unknown.attributes["rpc.response.status_code"], "-32602");
  assert.equal(unknown.attributes["gen_ai.tool.name"], "no_such_tool");
  assert.deepEqual(unknown.status, {
    code: STATUS_ERROR,
    message: "Tool no_such_tool not found",
  });

  await server.ask("no/such_method");
  const other = await sink.span(called("_OTHER"));
  assert.equal(other.attributes["mcp.method.name"], "no/such_method");
  assert.equal(other.attributes["error.type"], "-32601");

  const { attributes } = await sink.point(
    "mcp.server.operation.duration",
    (point) => point.attributes["error.type"] === "-32602",
  );
  assert.equal(attributes["mcp.method.name"], "tools/call");
  assert.equal("gen_ai.tool.name" in attributes, false);
  await sink.point(
    "mcp.server.operation.duration",
    (point) => point.attributes["mcp.method.name"] === "_OTHER",
  );
  assert.equal(JSON.stringify(sink.points).includes("no_such_tool"), false);
});

Deno.test("metrics come with the buckets that the conventions advise", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  for (let i = 0; i < 5; i++) await server.tool("echo", { text: "" });
  const { point, unit, attributes } = await sink.point(
    "mcp.server.operation.duration",
    ({ point }) => Number(point.count) === 5,
  );
  assert.equal(unit, "s");
  assert.deepEqual(point.explicitBounds, [
    ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
    ...[2, 5, 10, 30, 60, 120, 300],
  ]);
  assert.equal(
    point.bucketCounts.reduce((sum: number, n: string) => sum + Number(n), 0),
    5,
  );
  assert.ok(point.sum > 0 && point.sum < 5, `${point.sum} seconds`);
  assert.deepEqual(attributes, {
    "mcp.method.name": "tools/call",
    "mcp.protocol.version": "2026-07-28",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "echo",
    "network.transport": "tcp",
    "network.protocol.name": "http",
  });
  const inFlight = await sink.point("sluice.server.in_flight");
  assert.deepEqual(inFlight.attributes, { name: "traced" });
  const uptime = await sink.point("process.uptime");
  assert.equal(uptime.unit, "s");
});

Deno.test("a legacy session over HTTP: its id, its negotiated revision, its duration", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  const post = (body: Loose, headers: Record<string, string> = {}) =>
    fetch(server.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(body),
    });
  const opened = await post(initialize("2025-06-18"));
  await opened.body?.cancel();
  const session = {
    "mcp-session-id": opened.headers.get("mcp-session-id")!,
    "mcp-protocol-version": "2025-06-18",
  };
  const answered = await post({
    jsonrpc: "2.0",
    id: "seven",
    method: "tools/call",
    params: { name: "echo", arguments: { text: "" }, _meta: { traceparent } },
  }, session);
  await answered.body?.cancel();
  const ended = await fetch(server.url, { method: "DELETE", headers: session });
  await ended.body?.cancel();

  const first = await sink.span(called("initialize"));
  assert.equal(first.attributes["mcp.protocol.version"], "2025-06-18");
  const call = await sink.span(called("tools/call echo"));
  assert.equal(call.parentSpanId, CALLER);
  assert.equal(call.attributes["mcp.session.id"], session["mcp-session-id"]);
  assert.equal(call.attributes["mcp.protocol.version"], "2025-06-18");
  assert.equal(call.attributes["jsonrpc.request.id"], "seven");
  await sink.span(called("DELETE /mcp"));
  const { attributes, point } = await sink.point("mcp.server.session.duration");
  assert.equal(Number(point.count), 1);
  assert.deepEqual(attributes, {
    "mcp.protocol.version": "2025-06-18",
    "network.transport": "tcp",
    "network.protocol.name": "http",
  });
});

Deno.test("tracing needs no permission, and metrics need no spans", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink, {
    env: { OTEL_DENO_TRACING: "false" },
    script: "bare_server.ts",
    permissions: "--allow-net",
  });
  await server.tool("one");
  const { attributes } = await sink.point("mcp.server.operation.duration");
  assert.equal(attributes["gen_ai.tool.name"], "one");
  assert.deepEqual(sink.spans, []);
});

for (const era of ["modern", "legacy"] as const) {
  Deno.test(`over stdio, a call belongs to the caller's trace (${era})`, async () => {
    await using sink = new OtlpSink();
    {
      await using client = await connectStdio(
        { generation: "v2", era },
        new URL("./fixtures/traced_server.ts", import.meta.url),
        { env: { ...sink.env, TRACED_OVER: "stdio" } },
      );
      await client.tool("echo", { text: "" }, { _meta: { traceparent } });
    }
    const call = await sink.span(called("tools/call echo"));
    assert.equal(call.traceId, TRACE);
    assert.equal(call.parentSpanId, CALLER);
    assert.deepEqual(call.links, []);
    assert.equal(call.attributes["network.transport"], "pipe");
    assert.equal("network.protocol.name" in call.attributes, false);
    if (era === "modern") return;
    const { attributes } = await sink.point("mcp.server.session.duration");
    assert.equal(attributes["network.transport"], "pipe");
  });
}

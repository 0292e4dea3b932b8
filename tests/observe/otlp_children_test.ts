import assert from "node:assert/strict";
import { TRACE, traceparent } from "./caller_trace.ts";
import { TestServer } from "../pool/http_server.ts";
import { PostgresServer, skipsPostgres } from "../support/postgres.ts";
import {
  assertChild,
  called,
  OtlpSink,
  SpanKind,
  STATUS_ERROR,
} from "./otlp_sink.ts";
import { TracedProcess } from "./traced_process.ts";

/** What a handler causes is a child of its call, as a real OTLP sink sees it. */

Deno.test("HttpPool passes the trace on, and shows each try", async () => {
  const seen: Headers[] = [];
  await using backend = new TestServer(({ headers }) => {
    seen.push(headers);
    return seen.length === 1
      ? new Response("later", { status: 503 })
      : new Response("here");
  });
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink, {
    env: { BACKEND_URL: backend.origin },
  });
  const { body } = await server.tool("backend", { path: "/things" }, {
    traceparent,
    baggage: "tenant=blue",
  });
  assert.equal(body.result.content[0].text, "here");
  const call = await sink.span(called("tools/call backend"));
  await sink.span((span) =>
    span.kind === SpanKind.CLIENT &&
    span.attributes["http.response.status_code"] === "200"
  );
  const tries = sink.trace(TRACE).filter(({ kind }) =>
    kind === SpanKind.CLIENT
  );
  assert.deepEqual(
    tries.map(({ name, attributes }) => [
      name,
      attributes["http.response.status_code"],
      attributes["url.full"],
    ]),
    [
      ["GET", "503", `${backend.origin}/things`],
      ["GET", "200", `${backend.origin}/things`],
    ],
  );
  for (const [index, each] of tries.entries()) {
    assertChild(each, call);
    assert.equal(
      seen[index].get("traceparent"),
      `00-${TRACE}-${each.spanId}-01`,
    );
    assert.equal(seen[index].get("baggage"), "tenant=blue");
  }
  const { attributes, monotonic } = await sink.point(
    "sluice.http_pool.retries",
    ({ point }) => point.asDouble === 1,
  );
  assert.deepEqual(attributes, { name: "backend" });
  assert.ok(monotonic);
});

Deno.test({
  name: "PostgresPool shows each statement, without its values",
  ignore: skipsPostgres,
  async fn() {
    await using postgres = await PostgresServer.start();
    await using sink = new OtlpSink();
    await using server = await TracedProcess.start(sink, {
      env: { DATABASE_URL: postgres.url },
    });
    const { body } = await server.tool("query", {}, { traceparent });
    assert.equal(body.result.content[0].text, "42");
    const call = await sink.span(called("tools/call query"));
    await sink.span(called("SELECT"));
    const statements = sink.trace(TRACE).filter(({ kind }) =>
      kind === SpanKind.CLIENT
    );
    assert.deepEqual(
      statements.map(({ name }) => name).sort(),
      ["BEGIN", "COMMIT", "SELECT", "SELECT pg_class"],
    );
    for (const each of statements) {
      assertChild(each, call);
      assert.equal(each.attributes["db.system.name"], "postgresql");
      assert.equal(each.attributes["db.namespace"], "postgres");
      assert.equal(each.attributes["server.address"], "127.0.0.1");
      assert.equal(
        each.attributes["server.port"],
        Number(new URL(postgres.url).port),
      );
      assert.equal(each.attributes["db.query.summary"], each.name);
    }
    assert.equal(
      statements.find(called("SELECT pg_class"))!.attributes["db.query.text"],
      "SELECT $1::int AS n FROM pg_class LIMIT 1",
    );
    assert.equal(
      "db.query.text" in statements.find(called("SELECT"))!.attributes,
      false,
      "a text may hold values where no parameters do",
    );

    await server.tool("bad_query");
    const bad = await sink.span(called("SELECT missing_table"));
    assert.equal(bad.attributes["db.response.status_code"], "42P01");
    assert.equal(bad.attributes["error.type"], "42P01");
    assert.equal(bad.status.code, STATUS_ERROR);
    assert.equal(JSON.stringify(sink.spans).includes("a parameter"), false);
  },
});

Deno.test("what a handler does, writes and reads belongs to its span", async () => {
  await using sink = new OtlpSink();
  await using server = await TracedProcess.start(sink);
  await server.tool("own_span", {}, { traceparent });
  const own = await sink.span(called("author's work"));
  assertChild(own, await sink.span(called("tools/call own_span")));

  await server.tool("logs", {}, { traceparent });
  const line = await sink.log("a line of the handler's");
  const logs = await sink.span(called("tools/call logs"));
  assert.equal(line.traceId, TRACE);
  assert.equal(line.spanId, logs.spanId);

  await server.tool("fails", {}, { traceparent });
  const complaint = await sink.log("tool fails failed");
  const fails = await sink.span(called("tools/call fails"));
  assert.equal(complaint.spanId, fails.spanId, "the server's own log, too");

  const { body } = await server.tool("trace_id", {}, { traceparent });
  assert.equal(body.result.content[0].text, TRACE);
  const { body: without } = await server.tool("trace_id");
  const { traceId } = await sink.span((span) =>
    span.name === "tools/call trace_id" && span.traceId !== TRACE
  );
  assert.equal(without.result.content[0].text, traceId);
});

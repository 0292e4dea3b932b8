import assert from "node:assert/strict";
import { TRACE, traceparent } from "../observe/caller_trace.ts";
import { HttpPool, McpServer, PostgresPool } from "../../mod.ts";
import { provider } from "../observe/ended_spans.ts";
import { TestServer } from "./http_server.ts";

/** Spans of pools, as an author's own provider takes them. */

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
  assert.equal(lost.attributes["error.type"], "ConnectionRefused");
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

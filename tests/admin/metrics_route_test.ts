import assert from "node:assert/strict";
import {
  type Clock,
  McpServer,
  MemoryCache,
  type MetricsDocument,
} from "../../mod.ts";
import {
  PrometheusServer,
  promtoolFaults,
  skipsPrometheus,
} from "../support/prometheus.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

const METRICS = "http://localhost/metrics";

function makeServer(clock?: Clock): McpServer {
  const server = new McpServer({ name: 'a "shop"', version: "1.2.3" }, {
    log: () => {},
    clock,
  });
  server.registerTool("echo", {}, () => "hi");
  server.registerTool("bad", {}, () => {
    throw new Error("no");
  });
  server.registerPrompt("ask", {}, () => "Well?");
  server.registerResource("note", "note://1", {}, () => "text");
  return server;
}

async function text(server: McpServer, headers?: HeadersInit): Promise<string> {
  const response = await server.fetch(new Request(METRICS, { headers }));
  assert.equal(response.status, 200);
  return await response.text();
}

function sample(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

Deno.test("how long calls wait for their turn is counted, and only of those that do", async () => {
  const clock = new FakeClock();
  await using server = new McpServer({ name: "queue", version: "1.0.0" }, {
    clock,
    log: () => {},
  });
  let finish: (() => void)[] = [];
  server.registerTool(
    "narrow",
    { concurrency: 1 },
    () => new Promise((resolve) => finish.push(() => resolve("done"))),
  );
  const calls = [1, 2].map(() => server.call("tools/call", { name: "narrow" }));
  await clock.advance(250);
  for (let left = 2; left > 0; left--) {
    const [next] = finish;
    finish = [];
    next();
    await clock.advance(0);
  }
  await Promise.all(calls);
  const { queued_ms, calls: counted } = server.readMetrics().tools.narrow;
  assert.deepEqual({ queued_ms, counted }, { queued_ms: 250, counted: 2 });
  const body = await text(server);
  const labels = '{mcp_method_name="tools/call",gen_ai_tool_name="narrow"}';
  const name = "mcp_server_queue_duration_seconds";
  assert.equal(sample(body, `${name}_count${labels}`), 1);
  assert.equal(sample(body, `${name}_sum${labels}`), 0.25);
});

Deno.test("every call is counted under its method and what it was about", async () => {
  await using server = makeServer();
  await server.call("tools/call", { name: "echo" });
  await server.call("tools/call", { name: "echo" });
  await server.call("tools/call", { name: "bad" });
  await server.call("prompts/get", { name: "ask" });
  await server.call("resources/read", { uri: "note://1" });
  await server.call("tools/list");
  const body = await text(server);
  const count = "mcp_server_operation_duration_seconds_count";
  const expected: [string, number][] = [
    ['mcp_method_name="tools/call",gen_ai_tool_name="echo"', 2],
    ['mcp_method_name="tools/call",gen_ai_tool_name="bad"', 1],
    ['mcp_method_name="prompts/get",gen_ai_prompt_name="ask"', 1],
    ['mcp_method_name="resources/read",mcp_resource_uri="note://1"', 1],
    ['mcp_method_name="tools/list"', 1],
  ];
  for (const [labels, calls] of expected) {
    assert.equal(sample(body, `${count}{${labels}}`), calls, labels);
  }
  assert.equal(
    sample(
      body,
      'mcp_server_operation_errors_total{mcp_method_name="tools/call",' +
        'gen_ai_tool_name="bad",error_type="tool_error"}',
    ),
    1,
  );
});

Deno.test("what alerts look for is there, at zero, before it first happens", async () => {
  await using server = makeServer();
  const body = await text(server);
  const labels = 'mcp_method_name="tools/call",gen_ai_tool_name="echo"';
  const expected = [
    `mcp_server_operation_duration_seconds_count{${labels}}`,
    `mcp_server_operation_errors_total{${labels},error_type="tool_error"}`,
    `mcp_server_operation_errors_total{${labels},error_type="timeout"}`,
    'mcp_server_http_refusals_total{status="403"}',
    'mcp_server_http_refusals_total{status="429"}',
  ];
  for (const name of expected) assert.equal(sample(body, name), 0, name);
  assert.ok(sample(body, "process_max_fds")! > 0);
});

Deno.test("a scrape shows what the health checks last found, and waits for none", async () => {
  const clock = new FakeClock();
  await using server = makeServer(clock);
  let outcome: "healthy" | "degraded" = "healthy";
  server.health.add("api", () => outcome);
  const status = async (name: string) =>
    sample(
      await text(server),
      `mcp_server_health_status{check="api",status="${name}"}`,
    );
  assert.equal(await status("healthy"), undefined);
  await server.health.run();
  await clock.advance(100);
  assert.equal(await status("healthy"), 1);
  assert.equal(await status("degraded"), 0);
  outcome = "degraded";
  await clock.advance(1_000);
  assert.equal(await status("degraded"), 0);
  await clock.advance(100);
  assert.equal(await status("degraded"), 1);
  assert.equal(await status("healthy"), 0);
});

Deno.test("scrapes within a tenth of a second share one answer for each format", async () => {
  const clock = new FakeClock();
  await using server = makeServer(clock);
  const count = "mcp_server_operation_duration_seconds_count" +
    '{mcp_method_name="tools/list"}';
  const calls = async () => sample(await text(server), count);
  const inJson = async () => {
    const accept = "application/json";
    return JSON.parse(await text(server, { accept })).requests_total;
  };
  await server.call("tools/list");
  assert.equal(await calls(), 1);
  await server.call("tools/list");
  assert.equal(await inJson(), 2);
  await server.call("tools/list");
  await clock.advance(99);
  assert.deepEqual([await calls(), await inJson()], [1, 2]);
  await clock.advance(1);
  assert.deepEqual([await calls(), await inJson()], [3, 3]);
});

Deno.test("bytes are those of the messages on the wire", async () => {
  await using server = makeServer();
  const request = modernPost(modernCall("tools/call", { name: "echo" }));
  const body = request.body as string;
  const headers = { ...request.headers as Record<string, string> };
  const response = await server.fetch(
    new Request("http://localhost/mcp", {
      ...request,
      headers: { ...headers, "content-length": String(body.length) },
    }),
  );
  const answer = await response.bytes();
  const { request_bytes, response_bytes } = server.readMetrics().tools.echo;
  assert.equal(request_bytes, body.length);
  assert.equal(response_bytes, answer.length);
});

Deno.test("bytes are counted whatever a result, a name or an id is made of", async () => {
  await using server = new McpServer({ name: "Grüße 🎉", version: "1" }, {
    log: () => {},
  });
  const results: Record<string, () => unknown> = {
    plain: () => "naïve 日本 🎉 \n",
    blocks: () => ({
      content: [{ type: "text", text: "ä" }, { type: "text", text: "b" }],
    }),
    structured: () => ({ größe: "groß" }),
    meta: () => ({ content: [], _meta: { "a/ü": "ö" } }),
  };
  for (const [name, handler] of Object.entries(results)) {
    server.registerTool(
      name,
      { description: "für alle" },
      handler as () => string,
    );
  }
  let sent = 0;
  const post = async (message: ReturnType<typeof modernCall>) => {
    const response = await server.fetch(
      new Request("http://localhost/mcp", modernPost(message)),
    );
    sent += (await response.bytes()).length;
  };
  for (const id of [1, "zwölf"]) {
    for (const name of Object.keys(results)) {
      await post(modernCall("tools/call", { name }, id));
    }
    await post(modernCall("tools/list", {}, id));
    await post(modernCall("tools/list", {}, id));
  }
  const { methods } = server.readMetrics();
  assert.equal(
    methods["tools/call"].response_bytes + methods["tools/list"].response_bytes,
    sent,
  );
});

Deno.test("a hundred thousand made-up names add no series", async () => {
  await using server = makeServer();
  const lines = async () => (await text(server)).split("\n").length;
  await server.call("tools/call", { name: "x" }).catch(() => {});
  await server.call("no/such").catch(() => {});
  await server.call("prompts/get", { name: "x" }).catch(() => {});
  await server.call("resources/read", { uri: "x://y" }).catch(() => {});
  const before = await lines();
  for (let made = 0; made < 25_000; made++) {
    const name = `made_up_${made}`;
    await Promise.allSettled([
      server.call("tools/call", { name }),
      server.call(name),
      server.call("prompts/get", { name }),
      server.call("resources/read", { uri: `made://${made}` }),
    ]);
  }
  assert.equal(await lines(), before);
  const { methods, requests_total } = server.readMetrics();
  assert.deepEqual(Object.keys(methods).sort(), [
    "other",
    "prompts/get",
    "resources/read",
    "tools/call",
  ]);
  assert.equal(requests_total, 100_004);
});

Deno.test("counts of a method don't go back when a tool is removed", async () => {
  await using server = makeServer();
  const gone = server.registerTool("gone", {}, () => "soon");
  await server.call("tools/call", { name: "gone" });
  gone.remove();
  const body = await text(server);
  assert.equal(
    sample(
      body,
      'mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call"}',
    ),
    1,
  );
  assert.ok(!body.includes("gone"));
});

Deno.test("a mounted server's tools count where they are called, each time once", async () => {
  await using inner = makeServer();
  await using server = new McpServer({ name: "outer", version: "1.0.0" });
  server.mount("a", inner);
  server.mount("b", inner);
  await inner.call("tools/call", { name: "echo" });
  await inner.call("resources/read", { uri: "note://1" });
  await server.call("tools/call", { name: "a_echo" });
  // Whoever forgets the index must not forget the counts.
  inner.registerTool("late", {}, () => "hi");
  await server.call("tools/call", { name: "b_echo" });
  await server.call("tools/call", { name: "b_echo" });
  await server.call("resources/read", { uri: "note://b/1" });
  const calls = (server: McpServer, kind: "tools" | "resources") =>
    Object.entries(server.readMetrics()[kind]).filter(([, { calls }]) =>
      calls > 0
    )
      .map(([name, { calls }]) => [name, calls]);
  assert.deepEqual(calls(server, "tools"), [["a_echo", 1], ["b_echo", 2]]);
  assert.deepEqual(calls(server, "resources"), [["note://b/1", 1]]);
  assert.deepEqual(calls(inner, "tools"), [["echo", 1]]);
  assert.deepEqual(calls(inner, "resources"), [["note://1", 1]]);
  assert.equal(server.readMetrics().requests_total, 4);
});

Deno.test("refused requests are counted by status", async () => {
  await using server = makeServer();
  const post = (init: RequestInit) =>
    server.fetch(
      new Request("http://localhost/mcp", { method: "POST", ...init }),
    );
  await (await post({ body: "{" })).body?.cancel();
  await (await post({
    body: "{",
    headers: { "content-type": "application/json", accept: "*/*" },
  })).body?.cancel();
  await (await server.fetch(new Request("http://evil.example/mcp"))).body
    ?.cancel();
  const { refused_by_status, requests_total } = server.readMetrics();
  assert.equal(refused_by_status[415], 1);
  assert.equal(refused_by_status[400], 1);
  assert.equal(refused_by_status[403], 1);
  assert.equal(requests_total, 0);
});

Deno.test("who asks for JSON gets the guide's document", async () => {
  await using server = makeServer();
  await server.call("tools/call", { name: "echo" });
  for (const url of [METRICS, `${METRICS}?format=json`]) {
    const response = await server.fetch(
      new Request(url, { headers: { accept: "application/json" } }),
    );
    const document: MetricsDocument = await response.json();
    assert.equal(document.requests_total, 1);
    assert.equal(document.requests_in_progress, 0);
    assert.equal(document.errors_total, 0);
    assert.ok(document.uptime_seconds > 0);
    assert.ok(document.memory_rss_mb! > 10);
    assert.ok(document.memory_vms_mb! > document.memory_rss_mb!);
    assert.ok(document.cpu_percent! >= 0);
    assert.ok(document.thread_count! > 1);
    assert.ok(document.fd_count! > 2);
    assert.ok(Math.abs(Date.parse(document.timestamp) - Date.now()) < 10_000);
  }
});

Deno.test("the format follows Accept, with its weights", async () => {
  await using server = makeServer();
  const typeFor = async (accept: string) => {
    const response = await server.fetch(
      new Request(METRICS, { headers: { accept } }),
    );
    await response.body?.cancel();
    return response.headers.get("content-type")!.split(";")[0];
  };
  const cases: [string, string][] = [
    ["*/*", "text/plain"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "text/plain"],
    [
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
      "application/openmetrics-text",
    ],
    ["application/json;q=0.2, text/plain", "text/plain"],
    ["application/*", "application/openmetrics-text"],
    ["application/json", "application/json"],
    ["image/png", "text/plain"],
    ["application/json;q=nonsense", "text/plain"],
  ];
  for (const [accept, type] of cases) {
    assert.equal(await typeFor(accept), type, accept);
  }
});

Deno.test("a format that there isn't, and a method that there isn't, say so", async () => {
  await using server = makeServer();
  const unknown = await server.fetch(new Request(`${METRICS}?format=xml`));
  assert.equal(unknown.status, 400);
  assert.deepEqual(await unknown.json(), {
    error: "format must be one of prometheus, openmetrics, json",
  });
  const posted = await server.fetch(new Request(METRICS, { method: "POST" }));
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get("allow"), "GET, HEAD");
  await posted.body?.cancel();
});

Deno.test("metrics are open until operators are named, but not to strangers' pages", async () => {
  await using open = makeServer();
  const foreign = await open.fetch(new Request("http://evil.example/metrics"));
  assert.equal(foreign.status, 403);
  await foreign.body?.cancel();
  await using guarded = new McpServer({ name: "x", version: "1" }, {
    authorizeOperator: (request) =>
      request.headers.get("authorization") === "Bearer s3cret",
  });
  const refused = await guarded.fetch(new Request(METRICS));
  assert.equal(refused.status, 403);
  assert.deepEqual(await refused.json(), { error: "This is for operators" });
  const let_in = await guarded.fetch(
    new Request(METRICS, { headers: { authorization: "Bearer s3cret" } }),
  );
  assert.equal(let_in.status, 200);
  await let_in.body?.cancel();
});

Deno.test("an authorizeOperator that fails lets nobody in", async () => {
  const log: string[] = [];
  await using server = new McpServer({ name: "x", version: "1" }, {
    authorizeOperator: () => {
      throw new Error("the directory is down");
    },
    log: ({ message }) => log.push(message),
  });
  const response = await server.fetch(new Request(METRICS));
  assert.equal(response.status, 500);
  await response.body?.cancel();
  assert.deepEqual(log, ["GET /metrics failed: the directory is down"]);
});

Deno.test("without metrics there is nothing to read, and nothing is recorded", async () => {
  await using server = new McpServer({ name: "x", version: "1" }, {
    metrics: false,
  });
  server.registerTool("echo", {}, () => "hi");
  await server.call("tools/call", { name: "echo" });
  const response = await server.fetch(new Request(METRICS));
  assert.equal(response.status, 404);
  await response.body?.cancel();
  assert.equal(server.readMetrics().requests_total, 0);
});

Deno.test({
  name: "Prometheus's own tool finds no fault with the text",
  ignore: skipsPrometheus,
  fn: async () => {
    await using server = makeServer();
    const cache = new MemoryCache({ name: 'odd "name" \\ \n here' });
    cache.set("a", 1);
    await server.call("tools/call", { name: "echo" });
    await server.call("tools/call", { name: "bad" });
    assert.equal(await promtoolFaults(await text(server)), "");
  },
});

Deno.test({
  name: "a real Prometheus scrapes the server, and knows what was called",
  ignore: skipsPrometheus,
  fn: async () => {
    await using server = makeServer();
    const running = await server.serve({
      port: 0,
      signals: false,
      onListen: () => {},
    });
    for (let calls = 0; calls < 5; calls++) {
      await (await fetch(
        running.url,
        modernPost(modernCall("tools/call", { name: "echo" })),
      )).body?.cancel();
    }
    await using prometheus = await PrometheusServer.scraping(
      `127.0.0.1:${running.port}`,
    );
    const [called] = await prometheus.query(
      'mcp_server_operation_duration_seconds_count{gen_ai_tool_name="echo"}',
    );
    assert.equal(called.value, 5);
    const [median] = await prometheus.query(
      "histogram_quantile(0.5, mcp_server_operation_duration_seconds_bucket" +
        '{gen_ai_tool_name="echo"})',
    );
    assert.ok(median.value > 0 && median.value < 1);
    const [info] = await prometheus.query("mcp_server_info");
    assert.equal(info.labels.name, 'a "shop"');
    assert.equal(await prometheus.lastError(), "");
  },
});

import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { promtoolFaults } from "../support/prometheus.ts";

const MOST_MS = 30_000;
const BLOCKED = /^event loop blocked for \d+\.\d s$/;

/** A server in a process of its own, and its operators' port. */
class BusyServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(
    child: Deno.ChildProcess,
    readonly url: string,
    readonly operators: string,
  ) {
    this.#child = child;
  }

  static async start(...args: string[]): Promise<BusyServer> {
    const script = new URL("./fixtures/busy_server.ts", import.meta.url);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script.pathname, ...args],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    const [url, operators] = JSON.parse(new TextDecoder().decode(value));
    return new BusyServer(child, url, operators);
  }

  ask(path: string, headers: HeadersInit = {}): Promise<Response> {
    return fetch(this.operators + path, { headers });
  }

  async json(path: string, headers?: HeadersInit) {
    const response = await this.ask(path, headers);
    return { code: response.status, body: await response.json() };
  }

  /** Has the event loop computing until it is ended. */
  async block(): Promise<{ end: () => Promise<void> }> {
    const untilGone = await Deno.makeTempFile();
    const answered = fetch(this.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "compute",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: {
          name: "compute",
          arguments: { untilGone, atMostMs: MOST_MS },
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      }),
    });
    await eventually(async () =>
      (await this.json("/health")).body.status === "blocked"
    );
    const end = async () => {
      await Deno.remove(untilGone);
      const response = await answered;
      assert.equal(response.status, 200);
      await response.body?.cancel();
    };
    return { end };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.stdout.cancel();
    assert.equal((await this.#child.status).success, true);
  }
}

Deno.test("while the event loop is blocked, operators are answered on their port, and told so", async () => {
  await using server = await BusyServer.start();
  assert.equal((await server.json("/health/ready")).body.status, "ready");
  const before = await (await server.ask("/metrics")).text();
  assert.match(before, /^metrics_age_seconds 0/m);
  assert.match(before, /^event_loop_current_block_seconds 0$/m);
  // A machine that is busy with other things may hold the loop up as well.
  await eventually(async () => {
    const profile = await server.ask("/debug/profile?seconds=1&top=3");
    return /self/.test(await profile.text());
  });

  const { end } = await server.block();
  const begun = performance.now();
  const live = await server.json("/health");
  assert.deepEqual([live.code, live.body.status], [200, "blocked"]);
  assert.match(live.body.message, BLOCKED);
  const ready = await server.json("/health/ready");
  assert.deepEqual([ready.code, ready.body.status], [503, "blocked"]);
  assert.match(ready.body.message, BLOCKED);
  const { code, body } = await server.json("/health/detailed");
  assert.deepEqual([code, body.status], [503, "unhealthy"]);
  assert.match(body.checks.event_loop.message, BLOCKED);

  const text = await (await server.ask("/metrics")).text();
  assert.match(text, /^event_loop_current_block_seconds (0\.[5-9]|[1-9])/m);
  assert.match(text, /^metrics_age_seconds (0\.[5-9]|[1-9])/m);
  assert.match(text, /^mcp_server_info\{name="busy"/m);
  assert.equal(await promtoolFaults(text), "");
  const json = (await server.json("/metrics", { accept: "application/json" }))
    .body;
  assert.ok(json.event_loop_current_block_seconds > 0.5);
  assert.equal(json.metrics_age_seconds < 60, true);

  const refused = await server.json("/debug/profile?seconds=1");
  assert.equal(refused.code, 503);
  assert.match(refused.body.error, BLOCKED);
  const page = await server.ask("/dashboard");
  assert.match(await page.text(), /<html/);
  assert.ok(performance.now() - begun < MOST_MS / 2);

  await end();
  await eventually(async () =>
    (await server.json("/health/ready")).body.status === "ready"
  );
  assert.equal((await server.json("/health/detailed")).code, 200);
});

Deno.test("the dashboard goes on through a block, which its charts show as lag", async () => {
  await using server = await BusyServer.start();
  const stream = await server.ask("/dashboard/events");
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const untilLag = async (leastMs: number) => {
    let lagMs = -1;
    while (lagMs < leastMs) {
      const { value, done } = await reader.read();
      assert.equal(done, false, "the stream ended");
      seen += value;
      const lags = Array.from(
        seen.matchAll(/"lagP99":(\d+)/g),
        ([, lag]) => Number(lag),
      );
      lagMs = Math.max(-1, ...lags);
    }
  };
  await untilLag(0);
  const { end } = await server.block();
  await untilLag(1_000);
  assert.equal((await server.json("/health")).body.status, "blocked");
  await reader.cancel();
  await end();
});

Deno.test("while nobody can ask who is an operator, only the request that was let in is", async () => {
  await using server = await BusyServer.start("secret");
  const mine = { authorization: "Bearer secret" };
  const other = { authorization: "Bearer guess" };
  assert.equal((await server.json("/metrics", other)).code, 403);
  assert.equal((await server.json("/metrics")).code, 403);
  assert.match(
    await (await server.ask("/metrics", mine)).text(),
    /^mcp_server_info\{/m,
  );
  const { end } = await server.block();
  assert.match(
    await (await server.ask("/metrics", mine)).text(),
    /^mcp_server_info\{/m,
  );
  for (const headers of [other, {}, { ...mine, via: "somebody" }]) {
    const { code, body } = await server.json("/metrics", headers);
    assert.equal(code, 503);
    assert.match(body.error, BLOCKED);
  }
  assert.equal((await server.json("/dashboard", mine)).code, 503);
  const { body } = await server.json("/health/detailed", other);
  assert.equal("message" in body.checks.event_loop, false);
  assert.equal((await server.json("/health", other)).code, 200);
  await end();
});

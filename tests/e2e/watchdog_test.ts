import assert from "node:assert/strict";
import { z } from "zod";
import { type LogRecord, McpServer, ResourceTemplate } from "../../mod.ts";
import type { JsonObject } from "../../src/protocol/jsonrpc.ts";
import { eventually } from "../support/eventually.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** As if the process had the CPU for itself, whatever else the machine is at. */
const WHATEVER_ELSE = { cpuTimeMs: () => performance.now() };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that listens, with tools that block at once, later, or not at all. */
async function listen(log: LogRecord[]) {
  const server = new McpServer({ name: "watched", version: "1.0.0" }, {
    log: (record) => log.push(record),
    slowMs: Infinity,
    watchdog: WHATEVER_ELSE,
  });
  const inputSchema = z.object({ ms: z.number() });
  server.registerTool("blocks_at_once", { inputSchema }, ({ ms }) => {
    block(ms);
    return "done";
  });
  server.registerTool("blocks_later", { inputSchema }, async ({ ms }) => {
    await pause(20);
    block(ms);
    await pause(1);
    return "done";
  });
  server.registerTool("waits", { inputSchema }, async ({ ms }) => {
    await pause(ms);
    return "done";
  });
  const running = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const call = async (name: string, ms: number) => {
    const message = modernCall("tools/call", { name, arguments: { ms } });
    const response = await fetch(running.url, modernPost(message));
    await response.text();
  };
  return { server, call, [Symbol.asyncDispose]: () => server.close() };
}

const blocks = (log: LogRecord[]) =>
  log.filter(({ message }) => message.includes("blocked"));

Deno.test("a tool that blocks is named, with how long, while others are in progress", async () => {
  const log: LogRecord[] = [];
  await using subject = await listen(log);
  const { server, call } = subject;
  const others = [call("waits", 400), call("waits", 400)];
  await pause(30);
  await call("blocks_at_once", 200);
  await eventually(() => blocks(log).length > 0);
  const [{ level, message, fields }] = blocks(log);
  assert.equal(level, "warning");
  assert.match(message, /blocked for \d+ ms by blocks_at_once$/);
  assert.equal(fields.tool, "blocks_at_once");
  assert.equal(fields.certain, true);
  const blockedMs = fields.blockedMs as number;
  assert.ok(blockedMs >= 200 && blockedMs < 1_000, `${blockedMs}`);
  await Promise.all(others);
  assert.equal(blocks(log).length, 1);
  const { event_loop } = server.readMetrics();
  assert.equal(event_loop?.blocks, 1);
  assert.deepEqual(event_loop.blocked_by, {
    blocks_at_once: { blocks: 1, blocked_ms: blockedMs },
  });
  const response = await server.fetch(new Request("http://localhost/metrics"));
  const text = await response.text();
  assert.match(
    text,
    /^mcp_server_blocked_seconds_total\{name="blocks_at_once"\} 0\.\d+$/m,
  );
  assert.match(text, /^event_loop_lag_p99_seconds \d/m);
});

Deno.test("one that blocks after a wait is named once the profiler watches", async () => {
  const log: LogRecord[] = [];
  await using subject = await listen(log);
  const { call } = subject;
  const others = [call("waits", 1_500), call("waits", 1_500)];
  await pause(30);
  await call("blocks_later", 200);
  await eventually(() => blocks(log).length > 0);
  const [first] = blocks(log);
  assert.notEqual(first.fields.tool, "waits");
  assert.ok((first.fields.inProgress as string[]).includes("blocks_later"));
  // From now on V8 looks; starting it takes a moment.
  await pause(300);
  await call("blocks_later", 250);
  await eventually(() => blocks(log).some(({ fields }) => fields.certain));
  const sure = blocks(log).find(({ fields }) => fields.certain)!;
  assert.equal(sure.fields.tool, "blocks_later");
  assert.equal(sure.fields.evidence, "profile");
  assert.match(String(sure.fields.location), /watchdog_test\.ts:\d+/);
  await Promise.all(others);
});

Deno.test("a middleware that blocks is not taken for the tool behind it", async () => {
  const log: LogRecord[] = [];
  await using subject = await listen(log);
  const { server, call } = subject;
  server.use((request, next) => {
    block(150);
    return next(request);
  });
  for (const [index, tool] of ["blocks_at_once", "waits"].entries()) {
    await call(tool, 1);
    const blocked = () => server.readMetrics().event_loop?.blocks ?? 0;
    await eventually(() => blocked() > index);
  }
  const named = blocks(log).map(({ fields }) => fields.tool);
  assert.deepEqual([...new Set(named)], ["middleware"]);
  await call("blocks_at_once", 200);
  await eventually(() => blocks(log).at(-1)!.fields.tool === "blocks_at_once");
});

Deno.test("a prompt and a resource are named, and no URI that a client makes up", async () => {
  const log: LogRecord[] = [];
  await using server = new McpServer({ name: "watched", version: "1.0.0" }, {
    log: (record) => log.push(record),
    slowMs: 100,
    watchdog: WHATEVER_ELSE,
  });
  server.registerPrompt("greet", {}, () => {
    block(150);
    return "hello";
  });
  const later = async () => {
    await pause(30);
    block(150);
    await pause(1);
    return "text";
  };
  server.registerResource("one", "note://one", {}, later);
  server.registerResource(
    "any",
    new ResourceTemplate("note://{user}/{id}", { list: undefined }),
    {},
    later,
  );
  const { url } = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const send = async (method: string, params: JsonObject) => {
    const response = await fetch(url, modernPost(modernCall(method, params)));
    await response.text();
  };
  await send("prompts/get", { name: "greet" });
  await eventually(() => blocks(log).length === 1);
  await pause(200);
  await send("resources/read", { uri: "note://one" });
  await eventually(() => blocks(log).length === 2);
  await send("resources/read", { uri: "note://ada/7" });
  await eventually(() => blocks(log).length === 3);
  assert.deepEqual(
    blocks(log).map(({ message }) =>
      message.replace(/\d+ ms/, "x ms").replace(/ in .*/, "")
    ),
    ["prompt greet", "resource note://one", "resource note://{user}/{id}"]
      .map((name) => `the event loop was blocked for x ms by ${name}`),
  );
  const slow = log.filter(({ message }) => message.includes("is slow"));
  assert.deepEqual(
    slow.map(({ message, fields: { prompt, resource } }) => [
      message.replace(/ is slow.*/, ""),
      prompt ?? resource,
    ]),
    [
      ["prompt greet", "greet"],
      ["resource note://one", "note://one"],
      ["resource note://{user}/{id}", "note://{user}/{id}"],
    ],
  );
});

Deno.test("nobody is blamed where nothing blocks, and false turns it off", async () => {
  const log: LogRecord[] = [];
  await using subject = await listen(log);
  await Promise.all(
    Array.from({ length: 20 }, () => subject.call("waits", 150)),
  );
  assert.deepEqual(blocks(log).filter(({ fields }) => fields.tool), []);
  await using off = new McpServer({ name: "off", version: "1" }, {
    watchdog: false,
  });
  await off.serve({ port: 0, signals: false, onListen: () => {} });
  assert.equal(off.readMetrics().event_loop, null);
});

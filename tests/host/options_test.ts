import assert from "node:assert/strict";
import { type LogRecord, McpServer } from "../../mod.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

const info = { name: "options", version: "1.0.0" };

// deno-lint-ignore no-explicit-any -- options that no types would let through
type Wrong = any;

Deno.test("options that can't be meant are refused, quoted", () => {
  const cases: [Wrong, RegExp][] = [
    [{ authenticate: "yes" }, /^authenticate must be a function, got "yes"$/],
    [{ authorizeOperator: true }, /^authorizeOperator .* got true$/],
    [{ log: console }, /^log must be a function, got an object$/],
    [{ lifespan: {} }, /^lifespan must be a function/],
    [{ identify: 1 }, /^identify must be a function, got 1$/],
    [{ metrics: "on" }, /^metrics must be true or false, got "on"$/],
    [{ maskErrors: 1 }, /^maskErrors must be true or false, got 1$/],
    [{ path: "mcp" }, /^path must begin with "\/" .* got "mcp"$/],
    [{ path: "/mcp?x" }, /^path must .* got "\/mcp\?x"$/],
    [{ path: "/metrics" }, /^path must not be one of the operator's own/],
    [{ path: "/health/x" }, /^path must not be one of the operator's own/],
    [{ path: 7 }, /^path must .* got 7$/],
    [{ responseMode: "json" }, /^responseMode .* "auto", "sse", got "json"$/],
    [{ allowedHosts: "a.example" }, /^allowedHosts must be an array/],
    [{ allowedHosts: ["https://a.example"] }, /without a scheme or a port/],
    [{ allowedHosts: ["a.example:80"] }, /without a scheme or a port/],
    [{ allowedHosts: ["*"] }, /"\*" in place of the array .* got "\*"$/],
    [{ allowedHosts: ["*.a.example"] }, /no patterns, got "\*\.a\.example"$/],
    [{ maxUnsentBytes: 1 }, /^maxUnsentBytes .* got 1$/],
    [{ maxStallMs: 0 }, /^maxStallMs .* got 0$/],
    [{ requestState: { key: "k" } }, /^requestState.key .* 32 bytes, got 1$/],
    [{ allowedOrigins: "https://a.example" }, /^allowedOrigins must be an/],
    [{ allowedOrigins: ["a.example"] }, /^allowedOrigins takes origins/],
    [{ logLevel: "loud" }, /^logLevel must be one of .* got "loud"$/],
    [{ slowMs: NaN }, /^slowMs .* got NaN$/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => new McpServer(info, options), {
      code: "SLUICE_INVALID_OPTION",
      message,
    });
  }
});

Deno.test("a resource that no client could read is refused", () => {
  const server = new McpServer(info);
  const register = (uri: string) => () =>
    server.registerResource("note", uri, {}, () => "text");
  assert.throws(register("note://{id}"), /new ResourceTemplate/);
  assert.throws(register("not a uri"), /needs a URI .* got "not a uri"$/);
  const note = server.registerResource("note", "note://1", {}, () => "text");
  assert.throws(() => note.update({ uri: "note" }), /needs a URI/);
  assert.equal(note.uri, "note://1");
});

Deno.test("an address in use is named", async () => {
  await using one = new McpServer(info);
  await using other = new McpServer(info);
  const quiet = { signals: false, onListen: () => {} };
  const { port } = await one.serve({ ...quiet, port: 0 });
  await assert.rejects(other.serve({ ...quiet, port }), {
    name: "AddrInUse",
    message: `127.0.0.1:${port} is in use by another program`,
  });
});

Deno.test("an authenticate that fails or answers nonsense lets nobody in", async () => {
  const outcomes: [() => Wrong, RegExp][] = [
    [() => {
      throw new Error("the directory is down");
    }, /the directory is down/],
    [() => Promise.reject(new Error("later")), /later/],
    [() => true, /got true/],
    [() => null, /got null/],
    [() => "ada", /got "ada"/],
  ];
  for (const [authenticate, reason] of outcomes) {
    const log: LogRecord[] = [];
    await using server = new McpServer(info, {
      authenticate,
      log: (record) => log.push(record),
    });
    const response = await server.fetch(
      new Request(
        "http://localhost/mcp",
        modernPost(modernCall("server/discover")),
      ),
    );
    assert.equal(response.status, 500);
    const { error } = await response.json();
    assert.deepEqual(error, { code: -32603, message: "Internal error" });
    assert.equal(log.length, 1);
    assert.match(log[0].message, reason);
  }
});

Deno.test("a handler that is none is refused in an update, too", () => {
  const server = new McpServer(info);
  const tool = server.registerTool("tool", {}, () => "x");
  const prompt = server.registerPrompt("prompt", {}, () => "x");
  const resource = server.registerResource("note", "note://1", {}, () => "x");
  for (const handle of [tool, prompt, resource] as Wrong[]) {
    assert.throws(() => handle.update({ callback: "x" }), {
      code: "SLUICE_INVALID_OPTION",
      message: /needs a function as its last argument, got "x"/,
    });
  }
});

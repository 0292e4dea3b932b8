import assert from "node:assert/strict";
import {
  AccessDeniedError,
  type AuditEntry,
  type AuditOptions,
  type LogRecord,
  McpServer,
} from "@sluice/mcp";
import { FakeClock } from "../support/fake_clock.ts";
import { ask, modernCall, modernPost } from "../transport/wire.ts";

const info = { name: "audited", version: "1.0.0" };
const ada = { token: "t", clientId: "ada", scopes: ["read"] };

function makeServer(
  audit?: AuditOptions,
  options: { clock?: FakeClock; metrics?: boolean; admission?: false } = {},
) {
  const entries: AuditEntry[] = [];
  const lines: LogRecord[] = [];
  const server = new McpServer(info, {
    audit: audit ?? { write: (entry) => entries.push(entry) },
    log: (line) => void lines.push(line),
    ...options,
  });
  const add = (name: string, config: object, handler: () => unknown) =>
    server.registerTool(name, config, handler as () => string);
  add("greet", {}, () => "hello");
  add("break", {}, () => {
    throw new Error("broken");
  });
  add("guarded", { scopes: ["write"] }, () => "");
  add("denied", {}, () => {
    throw new AccessDeniedError("no");
  });
  add("strict", {
    inputSchema: { type: "object", required: ["name"], properties: {} },
  }, () => "");
  server.registerPrompt("hi", {}, () => "hi");
  server.registerResource("note", "note://1", {}, () => "one");
  return { server, entries, lines };
}

Deno.test("each request is audited once: who wanted what, and what came of it", async () => {
  const { server, entries } = makeServer(undefined, { metrics: false });
  const call = (name: string, args?: object) =>
    ask(server, "tools/call", { name, arguments: args }, { authInfo: ada });
  await call("greet", { secret: 1 });
  await call("break");
  await call("guarded");
  await call("denied");
  await call("strict", {});
  await call("nothing");
  await ask(server, "prompts/get", { name: "hi" });
  await ask(server, "resources/read", { uri: "note://1" });
  await ask(server, "resources/read", { uri: "note://2" });
  await ask(server, "no/such");
  assert.deepEqual(
    entries.map(({ method, tool, prompt, resource, outcome, caller }) => [
      method,
      tool ?? prompt ?? resource,
      outcome,
      caller?.clientId,
    ]),
    [
      ["tools/call", "greet", "ok", "ada"],
      ["tools/call", "break", "tool_error", "ada"],
      ["tools/call", "guarded", "insufficient_scope", "ada"],
      ["tools/call", "denied", "access_denied", "ada"],
      ["tools/call", "strict", "invalid_arguments", "ada"],
      ["tools/call", "nothing", "invalid_params", "ada"],
      ["prompts/get", "hi", "ok", undefined],
      ["resources/read", "note://1", "ok", undefined],
      ["resources/read", "note://2", "resource_not_found", undefined],
      ["no/such", undefined, "method_not_found", undefined],
    ],
  );
  for (const entry of entries) {
    assert.ok(entry.durationMs >= 0);
    assert.ok(!Number.isNaN(Date.parse(entry.time)));
    assert.match(entry.callId, /^[\da-f]{8}-\d+$/);
    assert.ok(!("arguments" in entry));
  }
});

Deno.test("arguments are handed over only where they are asked for", async () => {
  const entries: AuditEntry[] = [];
  const write = (entry: AuditEntry) => entries.push(entry);
  const { server } = makeServer({ write, arguments: true });
  await server.call("tools/call", { name: "greet", arguments: { to: "Bo" } });
  await server.call("tools/list");
  assert.deepEqual(entries[0].arguments, { to: "Bo" });
  assert.ok(!("arguments" in entries[1]));
});

Deno.test("a call's time counts from its arrival, whoever else reads it", async () => {
  for (const off of [false, undefined] as const) {
    const clock = new FakeClock();
    const { server, entries } = makeServer(undefined, {
      clock,
      metrics: off,
      admission: off,
    });
    server.registerTool("wait", {}, async () => {
      await clock.advance(50);
      return "done";
    });
    await server.call("tools/call", { name: "wait" });
    assert.equal(entries[0].durationMs, 50);
    await server.close();
  }
});

Deno.test("an entry has the caller's address, where there is a network", async () => {
  const { server, entries } = makeServer();
  const peer = { remoteAddr: { hostname: "192.0.2.7" } };
  const call = modernCall("tools/call", { name: "greet" });
  const request = new Request("http://localhost/mcp", modernPost(call));
  await (await server.fetch(request, peer)).text();
  await server.call("tools/call", { name: "greet" });
  await server.close();
  assert.deepEqual(entries.map(({ address }) => address), [
    "192.0.2.7",
    undefined,
  ]);
});

Deno.test("a call that its client has called off is audited, and once", async () => {
  const { server, entries } = makeServer();
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  server.registerTool("wait", {}, async ({ signal }) => {
    begun.resolve();
    assert.equal(signal.aborted, false);
    await end.promise;
    return "late";
  });
  const controller = new AbortController();
  const asked = ask(server, "tools/call", { name: "wait" }, {
    signal: controller.signal,
  });
  await begun.promise;
  controller.abort();
  await asked;
  end.resolve();
  await server.close();
  assert.deepEqual(entries.map(({ outcome }) => outcome), ["cancelled"]);
});

Deno.test("a hook that throws or rejects costs a line in the log, and no result", async () => {
  for (
    const write of [
      () => {
        throw new Error("disk full");
      },
      () => Promise.reject(new Error("disk full")),
    ]
  ) {
    const { server, lines } = makeServer({ write });
    for (let each = 0; each < 3; each++) {
      const { content } = await server.call("tools/call", { name: "greet" });
      assert.deepEqual(content, [{ type: "text", text: "hello" }]);
    }
    await server.close();
    const told = lines.filter(({ message }) =>
      /the audit failed/.test(message)
    );
    assert.equal(told.length, 1);
    assert.equal(told[0].level, "error");
    assert.equal(typeof told[0].fields?.call, "string");
  }
});

Deno.test("a hook that hangs costs a line after ten seconds, and holds up no end", async () => {
  const clock = new FakeClock();
  const { server, lines } = makeServer(
    { write: () => new Promise(() => {}) },
    { clock },
  );
  const { content } = await server.call("tools/call", { name: "greet" });
  assert.ok(content);
  const closed = server.close();
  await clock.advance(9_000);
  assert.equal(lines.filter(({ level }) => level === "error").length, 0);
  await clock.advance(1_000);
  await closed;
  assert.match(lines.at(-1)!.message, /the audit failed: .*10000 ms/);
});

Deno.test("what is being written is waited for when the server closes", async () => {
  const written: string[] = [];
  const kept = Promise.withResolvers<void>();
  const { server } = makeServer({
    write: async ({ tool }) => {
      await kept.promise;
      written.push(tool!);
    },
  });
  await server.call("tools/call", { name: "greet" });
  const closed = server.close();
  kept.resolve();
  await closed;
  assert.deepEqual(written, ["greet"]);
});

Deno.test("an audit that can't be called is refused", () => {
  assert.throws(
    () => makeServer({} as never),
    /audit must have the method write/,
  );
  assert.throws(
    () => makeServer({ write: () => {}, args: true } as never),
    /audit has no option "args"/,
  );
});

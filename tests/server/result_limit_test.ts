import assert from "node:assert/strict";
import {
  type LogRecord,
  McpServer,
  type McpServerOptions,
  ProtocolError,
  ResultTooBigError,
} from "@sluice/mcp";
import { ask } from "../transport/wire.ts";

const info = { name: "bounded", version: "1.0.0" };

function makeServer(options: McpServerOptions = {}, maxResultBytes?: number) {
  const lines: LogRecord[] = [];
  const server = new McpServer(info, {
    log: (line) => void lines.push(line),
    ...options,
  });
  server.registerTool("repeat", {
    inputSchema: {
      type: "object",
      properties: { text: { type: "string" }, times: { type: "integer" } },
    },
    maxResultBytes,
  }, (args) => {
    const { text, times } = args as { text: string; times: number };
    return text.repeat(times);
  });
  server.registerResource("big", "note://big", {}, () => "x".repeat(5_000));
  return { server, lines };
}

function repeat(server: McpServer, text: string, times: number) {
  const params = { name: "repeat", arguments: { text, times } };
  return ask(server, "tools/call", params);
}

Deno.test("a tool's answer that is too big is an error for the model, with its size", async () => {
  const { server, lines } = makeServer({}, 1_000);
  const { body, status } = await repeat(server, "ü", 2_000);
  assert.equal(status, 200);
  const { isError, content: [{ text }] } = body.result;
  assert.equal(isError, true);
  const [, bytes] = /the result of repeat has (\d+) bytes/.exec(text)!;
  assert.ok(Number(bytes) > 4_000 && Number(bytes) < 4_300, bytes);
  assert.match(text, /maxResultBytes is 1000: ask for less at a time/);
  assert.equal(lines.length, 1);
  assert.match(lines[0].message, /the result of repeat has/);
  const small = await repeat(server, "ü", 100);
  assert.equal(small.body.result.content[0].text, "ü".repeat(100));
});

Deno.test("the size is that of the whole answer, to the byte", async () => {
  const { server } = makeServer();
  for (const text of ["a", "ü", "𝄞", '"']) {
    const { text: whole } = await repeat(server, text, 300);
    const bytes = new TextEncoder().encode(whole).length;
    const fits = makeServer({}, bytes).server;
    assert.equal(
      (await repeat(fits, text, 300)).body.result.isError,
      undefined,
    );
    const tight = makeServer({}, bytes - 1).server;
    assert.match(
      (await repeat(tight, text, 300)).body.result.content[0].text,
      new RegExp(`has ${bytes} bytes, and maxResultBytes is ${bytes - 1}`),
    );
  }
});

Deno.test("the server's bound holds for everything else, and a tool's own comes first", async () => {
  const { server } = makeServer({ maxResultBytes: 2_000 }, 20_000);
  await assert.rejects(
    server.call("resources/read", { uri: "note://big" }),
    (error: ProtocolError) => {
      assert.equal(error.code, -32603);
      const { bytes, maxResultBytes } = error.data as Record<string, number>;
      assert.ok(bytes > 5_000);
      assert.equal(maxResultBytes, 2_000);
      return true;
    },
  );
  const { body } = await repeat(server, "a", 10_000);
  assert.equal(body.result.content[0].text.length, 10_000);
});

Deno.test("an id of the client's own making counts, and is answered", async () => {
  const { server } = makeServer({ maxResultBytes: 2_000 });
  const params = { name: "repeat", arguments: { text: "ü", times: 1_000 } };
  const { body } = await ask(server, "tools/call", params, { id: "ü" });
  assert.equal(body.id, "ü");
  assert.equal(body.result.isError, true);
});

Deno.test("what is too big counts under a name of its own", async () => {
  const { server } = makeServer({ maxResultBytes: 2_000 });
  await repeat(server, "a", 5_000);
  const { tools } = server.readMetrics();
  assert.deepEqual(tools.repeat.errors_by_kind, { result_too_big: 1 });
  assert.ok(new ResultTooBigError("x", 2, 1) instanceof ProtocolError);
});

Deno.test("a bound that is no number of bytes is refused", () => {
  assert.throws(() => makeServer({ maxResultBytes: 0 }), /maxResultBytes must/);
  assert.throws(
    () => makeServer({}, "1 MB" as never),
    /tool repeat: maxResultBytes must be/,
  );
});

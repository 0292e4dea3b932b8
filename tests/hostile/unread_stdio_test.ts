import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";

Deno.test("of a client on stdio that doesn't read its answers, no more is read", async () => {
  await using server = new McpServer({ name: "s", version: "1" }, {
    log: () => {},
  });
  server.registerTool("large", {}, () => "x".repeat(1_000_000));
  const line = new TextEncoder().encode(
    `${
      JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "large" },
      })
    }\n`,
  );
  let asked = 0;
  let isOver = false;
  const gate = Promise.withResolvers<void>();
  const serving = server.serveStdio({
    signals: false,
    streams: {
      read: async (buffer) => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (isOver) return null;
        asked++;
        buffer.set(line);
        return line.length;
      },
      write: async (bytes) => {
        await gate.promise;
        return bytes.length;
      },
    },
  });
  let before = -1;
  await eventually(async () => {
    const isStill = asked === before && asked > 0;
    before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill;
  });
  assert(asked < 60, `${asked} were read`);
  isOver = true;
  gate.resolve();
  await serving;
});

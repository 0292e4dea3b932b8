import assert from "node:assert/strict";
import { z } from "zod";
import { type LogRecord, McpServer } from "../../mod.ts";
import type { ShownTrouble } from "../../src/admin/dashboard/dashboard_feed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ask } from "../transport/wire.ts";

/** The calls that the dashboard of a server tells of. */
async function troubleOf(server: McpServer): Promise<ShownTrouble[]> {
  const url = "http://localhost/dashboard/events";
  const { body } = await server.fetch(new Request(url));
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const [, data] = /^data: (.*)$/m.exec(value!)!;
  return JSON.parse(data).trouble;
}

Deno.test("the dashboard tells of calls that failed or were slow, by the ids that the log has", async () => {
  const log: LogRecord[] = [];
  const clock = new FakeClock();
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: (record) => log.push(record),
    clock,
    dashboard: true,
    authorizeOperator: () => true,
  });
  server.registerTool("fails", {}, () => {
    throw new Error("no luck at redis://u:hush@h");
  });
  server.registerTool("refuses", {
    inputSchema: z.object({ count: z.number() }),
  }, () => "");
  server.registerTool("says", {}, () => ({ content: [], isError: true }));
  server.registerTool("waits", { slowMs: 100 }, async () => {
    await clock.advance(101);
    return "done";
  });
  server.registerTool("works", {}, () => "done");
  const call = (name: string, args = {}) =>
    ask(server, "tools/call", { name, arguments: args });
  await call("works");
  await call("fails");
  await call("refuses", { count: "hush" });
  await call("says");
  await call("waits");
  await call("nobody");
  await ask(server, "prompts/get", { name: "nobody" });

  const trouble = await troubleOf(server);
  assert.deepEqual(
    trouble.map(({ name, failure, slow }) => [name, failure, slow]),
    [
      ["prompts/get", "invalid_params", false],
      ["tools/call", "invalid_params", false],
      ["tool waits", undefined, true],
      ["tool says", "tool_error", false],
      ["tool refuses", "invalid_arguments", false],
      ["tool fails", "tool_error", false],
    ],
  );
  const logged = log.map(({ fields }) => fields.call).filter(Boolean);
  assert.deepEqual(logged, [trouble[5].call, trouble[2].call]);
  assert.match(trouble[5].message!, /^no luck at redis/);
  assert.equal(trouble[2].tookMs, 101);
  assert.doesNotMatch(JSON.stringify(trouble), /hush/);
});

Deno.test("a call that its client has called off is nobody's trouble, unless it was slow", async () => {
  const clock = new FakeClock();
  await using server = new McpServer({ name: "t", version: "1" }, {
    log: () => {},
    clock,
    dashboard: true,
    authorizeOperator: () => true,
  });
  server.registerTool(
    "hangs",
    {},
    (ctx) =>
      new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
      ),
  );
  for (const ms of [10, 5_000]) {
    const leaving = new AbortController();
    const calling = server.call("tools/call", { name: "hangs" }, {
      signal: leaving.signal,
    }).catch(() => {});
    await clock.advance(ms);
    leaving.abort();
    await calling;
  }
  const trouble = await troubleOf(server);
  assert.deepEqual(trouble.map(({ slow, tookMs }) => [slow, tookMs]), [
    [true, 5_000],
  ]);
});

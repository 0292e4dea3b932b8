/** The tools of `servers/overload.ts` on the official SDK v2, with `p-limit` for the ten at a time. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import pLimit from "p-limit";
import { compute, pause } from "../support/load_work.ts";

let executed = 0;
const waits = pLimit(10);
const streams = pLimit(10);

const text = (text: string) => ({
  content: [{ type: "text" as const, text }],
});

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "overload", version: "1.0.0" });
  server.registerTool("compute", { description: "Compute for 10 ms" }, () => {
    executed++;
    compute();
    return text("done");
  });
  server.registerTool(
    "wait",
    { description: "Wait for 50 ms, ten at a time" },
    () =>
      waits(async () => {
        executed++;
        await pause(50);
        return text("done");
      }),
  );
  server.registerTool(
    "stream",
    { description: "Five steps of 10 ms, ten at a time" },
    (ctx) =>
      streams(async () => {
        executed++;
        const progressToken = ctx.mcpReq._meta?.progressToken;
        for (let progress = 1; progress <= 5; progress++) {
          await pause(10);
          if (progressToken === undefined) continue;
          await ctx.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress, total: 5 },
          });
        }
        return text("done");
      }),
  );
  server.registerTool(
    "executed",
    { description: "Count" },
    () => text(`${executed}`),
  );
  return server;
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => handler.fetch(request));

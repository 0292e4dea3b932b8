/** One progress notification before the answer, on the official SDK v2 as its docs do it. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const inputSchema = z.object({ data: z.string() });

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "progress", version: "1.0.0" });
  server.registerTool(
    "echo_progress",
    { description: "Echo the data, half-way first", inputSchema },
    async ({ data }, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      if (progressToken !== undefined) {
        await ctx.mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress: 1, total: 2 },
        });
      }
      return { content: [{ type: "text", text: `processed_${data}` }] };
    },
  );
  return server;
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => handler.fetch(request));

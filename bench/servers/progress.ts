/** One progress notification before the answer. */
import { z } from "zod";
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "progress", version: "1.0.0" });

server.registerTool(
  "echo_progress",
  {
    description: "Echo the data, half-way first",
    inputSchema: z.object({ data: z.string() }),
  },
  async ({ data }, ctx) => {
    await ctx.progress(1, 2);
    return { content: [{ type: "text", text: `processed_${data}` }] };
  },
);

await server.serve({ port: Number(Deno.env.get("PORT")) });

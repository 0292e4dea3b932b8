/** The tool of `echo.ts` for legacy clients with sessions, of which as many may be open as `bench/sessions.ts` likes. */
import { z } from "zod";
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "echo", version: "1.0.0" }, {
  maxSessions: 1_000_000,
});

server.registerTool(
  "echo",
  {
    description: "Echo the data",
    inputSchema: z.object({ data: z.string() }),
  },
  ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }),
);

await server.serve({ port: Number(Deno.env.get("PORT")) });

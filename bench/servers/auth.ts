/** One tool over HTTP for callers with a token; `PORT` names the port. */
import { z } from "zod";
import { McpServer, oauth } from "../../mod.ts";

const server = new McpServer({ name: "echo", version: "1.0.0" }, {
  auth: oauth({
    issuer: "https://login.example.com",
    audience: "https://mcp.example.com/mcp",
    verify: () => ({ sub: "bench", scope: "read" }),
    cacheMs: 3_600_000,
  }),
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

/** The official SDK v2: `createMcpHandler` under `Deno.serve`, the schema made once outside the factory. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const inputSchema = z.object({ data: z.string() });

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  server.registerTool(
    "echo",
    { description: "Echo the data", inputSchema },
    ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }),
  );
  return server;
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => handler.fetch(request));

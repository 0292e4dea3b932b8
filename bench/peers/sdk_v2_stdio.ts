/** The official SDK v2 over stdio, as its docs do it. */
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const inputSchema = z.object({ data: z.string() });

serveStdio(() => {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  server.registerTool(
    "echo",
    { description: "Echo the data", inputSchema },
    ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }),
  );
  return server;
});

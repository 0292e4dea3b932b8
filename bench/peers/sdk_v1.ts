/** The official SDK v1, stateless as its docs do it: a server and a web-standard transport per request, JSON answers. */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { z } from "zod";

const inputSchema = z.object({ data: z.string() });

function createServer(): McpServer {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  server.registerTool(
    "echo",
    { description: "Echo the data", inputSchema },
    ({ data }: { data: string }) => ({
      content: [{ type: "text", text: `processed_${data}` }],
    }),
  );
  return server;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, async (request) => {
  const transport = new WebStandardStreamableHTTPServerTransport({
    enableJsonResponse: true,
  });
  await createServer().connect(transport);
  return await transport.handleRequest(request);
});

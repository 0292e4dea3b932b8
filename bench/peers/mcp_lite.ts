/** mcp-lite, stateless: legacy era only. Its docs put a Hono app in front; leaving that out is faster. */
import { McpServer, StreamableHttpTransport } from "mcp-lite";
import { z } from "zod";

const server = new McpServer({
  name: "echo",
  version: "1.0.0",
  schemaAdapter: (schema) => z.toJSONSchema(schema as z.ZodType),
});

server.tool("echo", {
  description: "Echo the data",
  inputSchema: z.object({ data: z.string() }),
  handler: ({ data }: { data: string }) => ({
    content: [{ type: "text", text: `processed_${data}` }],
  }),
});

const handle = new StreamableHttpTransport().bind(server);

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => handle(request));

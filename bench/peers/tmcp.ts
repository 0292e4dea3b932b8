/** tmcp with its HTTP transport: both eras, always an SSE answer. */
import { ZodJsonSchemaAdapter } from "@tmcp/adapter-zod";
import { HttpTransport } from "@tmcp/transport-http";
import { McpServer } from "tmcp";
import { z } from "zod";

const server = new McpServer({ name: "echo", version: "1.0.0" }, {
  adapter: new ZodJsonSchemaAdapter(),
  capabilities: { tools: {} },
});

server.tool({
  name: "echo",
  description: "Echo the data",
  schema: z.object({ data: z.string() }),
}, ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }));

const transport = new HttpTransport(server, { path: "/mcp" });

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT")),
    onListen: () => {},
  },
  async (request) =>
    await transport.respond(request) ?? new Response(null, { status: 404 }),
);

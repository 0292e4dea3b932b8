/** EdgeFastMCP: legacy results, no sessions, no header checks beyond Accept and Content-Type. */
import { EdgeFastMCP } from "fastmcp/edge";
import { z } from "zod";

const server = new EdgeFastMCP({ name: "echo", version: "1.0.0" });

server.addTool({
  name: "echo",
  description: "Echo the data",
  parameters: z.object({ data: z.string() }),
  execute: ({ data }) => Promise.resolve(`processed_${data}`),
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, (request) => server.fetch(request));

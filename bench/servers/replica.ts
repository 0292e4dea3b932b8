/**
 * One of the replicas of a server: `REDIS_URL` names what they share, if anything;
 * `TOOLS` is a number of further tools, `PORT` the port.
 */
import { z } from "zod";
import { McpServer, MemoryTaskStore, ResourceTemplate } from "../../mod.ts";

const redis = Deno.env.get("REDIS_URL");
const server = new McpServer({ name: "replica", version: "1.0.0" }, {
  ...(redis !== undefined && { redis }),
  ...(redis === undefined &&
    { tasks: { store: new MemoryTaskStore({ maxTasks: 1_000_000 }) } }),
  maxSessions: 1_000_000,
  admission: false,
  log: () => {},
});

server.registerTool(
  "echo",
  {
    description: "Echo the data",
    inputSchema: z.object({ data: z.string() }),
  },
  ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }),
);
server.registerTool(
  "change",
  { inputSchema: z.object({ uri: z.string() }) },
  ({ uri }) => {
    server.sendResourceUpdated(uri);
    return uri;
  },
);
server.registerTool("change_all", {}, () => {
  server.sendToolListChanged();
  return "changed";
});
server.registerTool(
  "work",
  {},
  (ctx) => ctx.runAsTask(() => Promise.resolve("done")),
);
server.registerTool("memory", {}, () => {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return String(heapUsed + external);
});
server.registerResource(
  "news",
  new ResourceTemplate("news://{id}", { list: undefined }),
  {},
  (uri) => uri.href,
);
for (let i = 0; i < Number(Deno.env.get("TOOLS") ?? 0); i++) {
  server.registerTool(
    `tool_${i}`,
    {
      description: "One of very many tools",
      inputSchema: z.object({
        id: z.number().int().min(1),
        name: z.string().max(80),
        tags: z.array(z.string().max(40)).max(20),
      }),
    },
    ({ name }) => name,
  );
}

await server.serve({ port: Number(Deno.env.get("PORT")) });

/** Something of every kind, for the mixed calls of `bench/soak.ts`; no database. */
import { z } from "zod";
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "mixed", version: "1.0.0" }, {
  log: () => {},
});

server.registerTool(
  "echo",
  { inputSchema: z.object({ data: z.string() }) },
  ({ data }) => `processed_${data}`,
);
server.registerTool("fail", {}, () => {
  throw new Error("this one fails");
});
server.registerTool("steps", {}, async function* () {
  yield { progress: 1, total: 2 };
  await Promise.resolve();
  return "stepped";
});
server.registerResource(
  "page",
  "data://page",
  {},
  () => ({ rows: Array.from({ length: 10 }, (_, id) => ({ id })) }),
);
server.registerPrompt("ask", {}, () => "What is it?");

await server.serve({ port: Number(Deno.env.get("PORT")) });

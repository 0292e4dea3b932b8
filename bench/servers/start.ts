/** The least server there is, for `bench/startup.ts`: one tool without arguments, no validation library. */
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "start", version: "1.0.0" });

server.registerTool(
  "echo",
  { description: "Answer" },
  () => ({ content: [{ type: "text", text: "processed_hello" }] }),
);

await server.serve({ port: Number(Deno.env.get("PORT")) });

/**
 * The server that the official conformance suite is run against: `PORT` says
 * where (0 for any free port), the endpoint is `/mcp`.
 */
import { McpServer, MemoryEventStore } from "../../mod.ts";
import { registerChanges } from "./changes.ts";
import { registerPrompts } from "./prompts.ts";
import { registerQuestions } from "./questions.ts";
import { registerResources } from "./resources.ts";
import { registerRounds } from "./rounds.ts";
import { registerSkills } from "./skills.ts";
import { registerTasks } from "./tasks.ts";
import { registerTools } from "./tools.ts";

const server = new McpServer({ name: "conformance", version: "1.0.0" }, {
  eventStore: new MemoryEventStore(),
  retryMs: 500,
});
registerTools(server);
registerQuestions(server);
registerRounds(server);
registerTasks(server);
registerChanges(server);
registerPrompts(server);
registerResources(server);
await registerSkills(server);

await server.serve({ port: Number(Deno.env.get("PORT") ?? 8000) });

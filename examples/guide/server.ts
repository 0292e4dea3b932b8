/**
 * The server of the performance guide, which `main.ts` serves: its tools,
 * resources and prompts over pools, caches and batches.
 */
import { McpServer } from "@sluice/mcp";
import { addDataTools } from "./data_tools.ts";
import {
  type GuideLifespan,
  type GuideLifespanOptions,
  openLifespan,
} from "./lifespan.ts";
import { addMonitoringTools } from "./monitoring_tools.ts";
import { addProfilingTools } from "./profiling_tools.ts";
import { addPrompts } from "./prompts.ts";
import { addResources } from "./resources.ts";
import { addTaskTools } from "./task_tools.ts";
import { addWorkTools } from "./work_tools.ts";

/** A server over the guide's lifespan. */
export type GuideServer = McpServer<GuideLifespan>;

/** Makes the server; nothing listens or is open yet. */
export function guideServer(options: GuideLifespanOptions = {}): GuideServer {
  const server: GuideServer = new McpServer({
    name: "sluice-guide",
    version: "0.1.0",
  }, {
    instructions: "The performance guide's tools. parallel_processing and " +
      "stream_large_dataset report progress; delete_everything asks first.",
    lifespan: async (stack) => {
      const opened = await openLifespan(stack, options);
      const url = opened.apiUrl("/");
      server.log.info("there is an API to fetch from", { url });
      return opened;
    },
    // Replicas that share a Redis are one server.
    redis: Deno.env.get("REDIS_URL"),
    dashboard: true,
    debug: true,
  });
  addWorkTools(server);
  addDataTools(server);
  addMonitoringTools(server);
  addTaskTools(server);
  addProfilingTools(server);
  addResources(server);
  addPrompts(server);
  return server;
}

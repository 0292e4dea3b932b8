/**
 * One tool over HTTP; `PORT` names the port, `METRICS=off` records nothing,
 * `ADMISSION=off` refuses nothing, `WORKERS` is the number of processes.
 */
import { z } from "zod";
import { McpServer } from "../../mod.ts";

const server = new McpServer({ name: "echo", version: "1.0.0" }, {
  metrics: Deno.env.get("METRICS") !== "off",
  ...(Deno.env.get("ADMISSION") === "off" && { admission: false as const }),
});

server.registerTool(
  "echo",
  {
    description: "Echo the data",
    inputSchema: z.object({ data: z.string() }),
  },
  ({ data }) => ({ content: [{ type: "text", text: `processed_${data}` }] }),
);

await server.serve({
  port: Number(Deno.env.get("PORT")),
  workers: Number(Deno.env.get("WORKERS") ?? 1),
});

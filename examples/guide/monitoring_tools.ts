import { monitored } from "@sluice/mcp";
import { z } from "zod";
import type { GuideServer } from "./server.ts";
import { work } from "./work.ts";

/** Tools that show the server's figures, and one whose work is counted by itself. */
export function addMonitoringTools(server: GuideServer): void {
  server.registerTool("get_server_metrics", {
    description: "All that the server measures, as /metrics has it in JSON",
    annotations: { readOnlyHint: true },
  }, () => server.readMetrics());

  const operation = monitored(async (data: string, signal: AbortSignal) => {
    await work(100, signal);
    return `Processed: ${data}`;
  }, { name: "monitored_operation", slowMs: 1_000 });

  server.registerTool("monitored_operation", {
    description: "Works for 100 ms; /metrics shows how often and how long",
    inputSchema: z.object({ data: z.string() }),
  }, ({ data }, ctx) => operation(data, ctx.signal));
}

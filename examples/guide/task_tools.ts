import { z } from "zod";
import type { GuideServer } from "./server.ts";
import { work } from "./work.ts";

/** A tool that goes on as a task, for clients that know tasks. */
export function addTaskTools(server: GuideServer): void {
  server.registerTool("generate_report", {
    description:
      "Works for some seconds, as a task where the client knows them",
    inputSchema: z.object({
      pages: z.number().int().min(1).max(100).default(5),
    }),
  }, ({ pages }, ctx) =>
    ctx.runAsTask(async (task) => {
      for (let page = 1; page <= pages; page++) {
        await work(200, task.signal);
        await task.status(`page ${page} of ${pages}`);
      }
      return `A report of ${pages} pages`;
    }));
}

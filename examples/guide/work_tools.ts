import { mapConcurrent } from "@sluice/mcp";
import { z } from "zod";
import type { GuideServer } from "./server.ts";
import { work } from "./work.ts";

/** Tools that compute: at once, in parallel, in a stream, or after a question. */
export function addWorkTools(server: GuideServer): void {
  server.registerTool("echo", {
    description: "Answers at once with what it was given",
    inputSchema: z.object({ data: z.string() }),
    annotations: { readOnlyHint: true },
  }, ({ data }) => `processed_${data}`);

  server.registerTool("slow_operation", {
    description: "Takes a second, and holds nobody up meanwhile",
    inputSchema: z.object({ data: z.string() }),
    slowMs: 2_000,
  }, async (_args, ctx) => {
    await work(1_000, ctx.signal);
    return "done";
  });

  server.registerTool("parallel_processing", {
    description: "Processes items ten at a time and reports progress",
    inputSchema: z.object({ items: z.array(z.string()).max(1_000) }),
    outputSchema: z.object({
      total_processed: z.number(),
      results: z.array(z.string()),
    }),
    timeoutMs: 30_000,
  }, async ({ items }, ctx) => {
    await ctx.progress(0, items.length, "Starting batch processing");
    let done = 0;
    const results = await mapConcurrent(items, async (item) => {
      await work(10, ctx.signal);
      await ctx.progress(++done, items.length, `Processed ${done} items`);
      return `processed_${item}`;
    }, { concurrency: 10, signal: ctx.signal });
    return { total_processed: results.length, results };
  });

  server.registerTool("stream_large_dataset", {
    description: "Goes through a large dataset in chunks of 100",
    inputSchema: z.object({
      limit: z.number().int().min(1).max(100_000).default(1_000),
    }),
    concurrency: 4,
  }, async function* ({ limit }, ctx) {
    let seen = 0;
    while (seen < limit) {
      await work(10, ctx.signal);
      seen += Math.min(100, limit - seen);
      yield {
        progress: seen,
        total: limit,
        message: `Processed ${seen} items`,
      };
    }
    return `Streamed ${seen} items`;
  });

  server.registerTool("delete_everything", {
    description: "Asks the user first, and then deletes nothing after all",
    annotations: { destructiveHint: true },
  }, async (ctx) => {
    const answer = await ctx.elicit({
      message: "Really delete everything?",
      requestedSchema: z.object({ sure: z.boolean() }),
    });
    return answer.action === "accept" && answer.content?.sure === true
      ? "Everything there was (nothing) is deleted."
      : "Nothing was deleted.";
  });
}

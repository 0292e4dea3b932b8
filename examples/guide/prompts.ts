import { completable } from "@sluice/mcp";
import { z } from "zod";
import type { GuideServer } from "./server.ts";

const TOPICS = ["caching", "pooling", "batching", "profiling"];

/** A prompt whose first argument completes itself. */
export function addPrompts(server: GuideServer): void {
  server.registerPrompt(
    "review_performance",
    {
      title: "Review performance",
      description: "Has a piece of code looked at for what makes it slow",
      argsSchema: z.object({
        topic: completable(
          z.string().describe("What to look at most closely"),
          (typed) => TOPICS.filter((topic) => topic.startsWith(typed)),
        ),
        code: z.string().describe("The code"),
      }),
    },
    ({ topic, code }) =>
      `Review this code for performance, above all its ${topic}:\n\n${code}`,
  );
}

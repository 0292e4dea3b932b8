import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import {
  type ElicitParams,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
} from "../../mod.ts";

/** Tools that run as tasks (extension `io.modelcontextprotocol/tasks`). */
export function registerTasks(server: McpServer): void {
  registerComputing(server);
  registerAsking(server);
}

function registerComputing(server: McpServer): void {
  server.registerTool("slow_compute", {
    description: "Takes some seconds; a task for those who know tasks",
    inputSchema: z.object({
      seconds: z.number().min(0).max(60),
      label: z.string().optional(),
    }),
    execution: { taskSupport: "optional" },
  }, ({ seconds, label }, ctx) =>
    ctx.runAsTask(async ({ signal }) => {
      await wait(seconds * 1_000, undefined, { signal });
      return `${label ?? "Computation"} took ${seconds} s`;
    }));

  server.registerTool("failing_job", {
    description: "Always a task, and one that fails as tools do",
    execution: { taskSupport: "required" },
  }, (ctx) =>
    ctx.runAsTask(async ({ signal }) => {
      await wait(1_000, undefined, { signal });
      throw new Error("This job intentionally fails");
    }));

  server.registerTool("protocol_error_job", {
    description: "A task that fails with an error of the protocol",
    execution: { taskSupport: "optional" },
  }, (ctx) =>
    ctx.runAsTask(() => {
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        "This job intentionally breaks the protocol",
      );
    }));
}

const confirmation = (message: string): ElicitParams => ({
  message,
  requestedSchema: {
    type: "object",
    properties: { confirm: { type: "boolean" } },
    required: ["confirm"],
  },
});

function registerAsking(server: McpServer): void {
  server.registerTool("confirm_delete", {
    description: "A task that asks once before it goes on",
    inputSchema: z.object({ filename: z.string() }),
    execution: { taskSupport: "optional" },
  }, ({ filename }, ctx) =>
    ctx.runAsTask(async (task) => {
      const answer = await task.elicit(confirmation(`Delete ${filename}?`));
      return answer.action === "accept" && answer.content?.confirm
        ? `Deleted ${filename}`
        : `Kept ${filename}`;
    }));

  server.registerTool("multi_input", {
    description: "A task that asks two things at once",
    execution: { taskSupport: "optional" },
  }, (ctx) =>
    ctx.runAsTask(async (task) => {
      const answers = await Promise.all([
        task.elicit(confirmation("The first?")),
        task.elicit(confirmation("The second?")),
      ]);
      return answers.map(({ action }) => action).join(", ");
    }));

  server.registerTool("test_tool_with_task", {
    description: "Asks for a name first and goes on as a task",
    execution: { taskSupport: "required" },
  }, async (ctx) => {
    const { content } = await ctx.elicit({
      message: "What is your name?",
      requestedSchema: {
        type: "object",
        properties: { name: { type: "string" } },
        required: ["name"],
      },
    });
    return await ctx.runAsTask(() => `Hello, ${content?.name}!`);
  });
}

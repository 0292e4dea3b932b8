import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { ElicitResult } from "../../protocol/types.ts";
import type { ServerContext, TaskRun } from "../server_context.ts";

/** The same work for a client that has to wait for it. */
export class InlineRun implements TaskRun {
  readonly taskId = "";
  readonly #ctx: ServerContext;

  constructor(ctx: ServerContext) {
    this.#ctx = ctx;
  }

  get signal(): AbortSignal {
    return this.#ctx.signal;
  }

  get inputResponses(): JsonObject | undefined {
    return this.#ctx.mcpReq.inputResponses;
  }

  status(message: string): Promise<void> {
    this.#ctx.log.info(message);
    return Promise.resolve();
  }

  elicit(params: Parameters<TaskRun["elicit"]>[0]): Promise<ElicitResult> {
    return this.#ctx.elicit(params);
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): ReturnType<TaskRun["sample"]> {
    return this.#ctx.sample(params);
  }
}

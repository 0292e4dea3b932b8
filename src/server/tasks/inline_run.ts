import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type {
  ElicitParams,
  ServerContext,
  TaskRun,
} from "../server_context.ts";

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

  elicit(params: ElicitParams): Promise<never> {
    return this.#ctx.elicit(params) as Promise<never>;
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): ReturnType<TaskRun["sample"]> {
    return this.#ctx.sample(params);
  }
}

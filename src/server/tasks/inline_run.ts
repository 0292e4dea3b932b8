import type { ElicitResult } from "../../protocol/types.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { RequestContext } from "../calls/call.ts";
import type { TaskRun } from "../server_context.ts";

/** The same work for a client that has to wait for it. */
export class InlineRun implements TaskRun {
  readonly taskId = "";
  readonly #context: RequestContext;

  constructor(context: RequestContext) {
    this.#context = context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get inputResponses(): JsonObject | undefined {
    return this.#context.begunInquiry?.responses;
  }

  status(message: string): Promise<void> {
    this.#context.log.info(message);
    return Promise.resolve();
  }

  elicit(params: Parameters<TaskRun["elicit"]>[0]): Promise<ElicitResult> {
    return this.#context.elicit(params);
  }

  sample(
    params: Parameters<TaskRun["sample"]>[0],
  ): ReturnType<TaskRun["sample"]> {
    return this.#context.sample(params);
  }
}

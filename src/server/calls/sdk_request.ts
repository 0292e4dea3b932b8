import { ClosedError } from "../../base/errors.ts";
import { handled } from "../../base/thenable.ts";
import { ProtocolError } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { isStandardSchema } from "../../protocol/standard_schema.ts";
import type {
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  ElicitResult,
  LoggingLevel,
  LoggingMessageNotification,
  RequestId,
} from "../../protocol/types.ts";
import { checkedResult, isQuestion } from "../questions/client_question.ts";
import type { Call } from "./call.ts";
import type {
  AskOptions,
  ElicitParams,
  McpRequestView,
  ServerContext,
} from "../server_context.ts";

/** The official SDK's `ctx.mcpReq`, over a {@linkcode Call}. */
export class SdkRequest implements McpRequestView {
  readonly #call: Call;
  readonly #context: ServerContext;

  constructor(call: Call, context: ServerContext) {
    this.#call = call;
    this.#context = context;
  }

  get id(): RequestId {
    return this.#call.requestId;
  }

  get method(): string {
    return this.#call.method;
  }

  get _meta(): JsonObject | undefined {
    const { meta } = this.#call;
    return meta && withoutEnvelope(meta);
  }

  get envelope(): JsonObject | undefined {
    const { meta } = this.#call;
    const envelope = meta && pick(meta, isReserved);
    return envelope && Object.keys(envelope).length > 0 ? envelope : undefined;
  }

  get inputResponses(): JsonObject | undefined {
    return this.#call.begunInquiry?.responses;
  }

  get droppedInputResponseKeys(): string[] | undefined {
    return this.#call.begunInquiry?.droppedKeys;
  }

  requestState<T = unknown>(): T | undefined {
    return this.#context.requestState<T>();
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  send<T>(
    request: { method: string; params?: JsonObject },
    schemaOrOptions?: unknown,
    options?: AskOptions,
  ): Promise<T> {
    return handled(this.#send(request, schemaOrOptions, options));
  }

  async #send<T>(
    request: { method: string; params?: JsonObject },
    schemaOrOptions: unknown,
    options: AskOptions | undefined,
  ): Promise<T> {
    const schema = isStandardSchema(schemaOrOptions)
      ? schemaOrOptions
      : undefined;
    const result = await this.#ask(
      request,
      options ?? (schema ? undefined : schemaOrOptions as AskOptions),
    );
    return (schema === undefined
      ? result
      : await checkedResult(request.method, schema, result)) as T;
  }

  #ask(
    request: { method: string; params?: JsonObject },
    options: AskOptions | undefined,
  ): Promise<unknown> {
    const { session, reply, era, settled, inquiry } = this.#call;
    if (settled) throw new ClosedError("the request");
    if (isQuestion(request)) return inquiry.ask("send", request, options);
    const { method, params } = request;
    if (era.asksByResult || session === undefined) {
      throw new ProtocolError(
        -32600,
        `${method} can't be sent: this client takes no requests from the server`,
      );
    }
    return session.ask(method, params, (text) => reply.send(text), options);
  }

  notify(
    { method, params }: { method: string; params?: unknown },
  ): Promise<void> {
    if (method === "notifications/progress" && isObject(params)) {
      const { progress, total, message } = params;
      return this.#context.progress(
        progress as number,
        total as number | undefined,
        message as string | undefined,
      );
    }
    if (method === "notifications/message" && isObject(params)) {
      const { level, data, logger } =
        params as LoggingMessageNotification["params"];
      return this.#call.writeLog(level, data, logger);
    }
    return this.#call.notify(method, params);
  }

  log(level: LoggingLevel, data: unknown, logger?: string): Promise<void> {
    return this.#call.writeLog(level, data, logger);
  }

  elicitInput(
    params: ElicitParams,
    options?: AskOptions,
  ): Promise<ElicitResult> {
    return this.#context.elicit(params, options);
  }

  requestSampling(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools> {
    return this.#context.sample(params, options);
  }
}

/** Rest of a request's `_meta` beside the keys that MCP reserves. */
export function withoutEnvelope(meta: JsonObject): JsonObject {
  return pick(meta, (key) => !isReserved(key));
}

function isReserved(key: string): boolean {
  return key.startsWith("io.modelcontextprotocol/");
}

function pick(
  object: JsonObject,
  wanted: (key: string) => boolean,
): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([key]) => wanted(key)),
  );
}

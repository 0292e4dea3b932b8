import { addressOf, askedUrlOf } from "../../base/network_peer.ts";
import { handled } from "../../base/thenable.ts";
import type { Era } from "../../protocol/revision.ts";
import type { StandardSchema } from "../../protocol/standard_schema.ts";
import type {
  AuthInfo,
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  CreateMessageResultWithTools,
  Implementation,
  ListRootsResult,
  Notification,
  ReadResourceResult,
  RequestId,
  RequestMeta,
} from "../../protocol/types.ts";
import type {
  AskOptions,
  ElicitParams,
  HttpView,
  McpRequestView,
  RequestInfo,
  RequestLog,
  ServerContext,
  TaskRun,
  TaskTerms,
} from "../server_context.ts";
import type { Caller } from "../identity/caller.ts";
import type { Call, HandlerOwner } from "./call.ts";
import { SdkRequest } from "./sdk_request.ts";

/**
 * A call as a handler sees it: with the lifespan and the resources of the server
 * that the handler was registered with, and nothing of the server's own.
 */
export class HandlerContext implements ServerContext {
  readonly #call: Call;
  readonly #owner: HandlerOwner;
  #sdkRequest: McpRequestView | undefined;
  #log: RequestLog | undefined;

  constructor(call: Call, owner: HandlerOwner) {
    this.#call = call;
    this.#owner = owner;
  }

  get era(): Era {
    return this.#call.era.name;
  }

  get requestId(): RequestId {
    return this.#call.requestId;
  }

  get callId(): string {
    return this.#call.callId;
  }

  get subject(): string | undefined {
    return this.#call.subject;
  }

  get sessionId(): string | undefined {
    return this.#call.session?.id;
  }

  get traceId(): string | undefined {
    return this.#call.traceId;
  }

  get lifespan(): unknown {
    return this.#owner.lifespan.value;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get authInfo(): AuthInfo | undefined {
    return this.#call.authInfo;
  }

  get caller(): Caller | undefined {
    return this.#call.identity;
  }

  get clientInfo(): Implementation | undefined {
    return this.#call.clientInfo;
  }

  get clientCapabilities(): ClientCapabilities {
    return this.#call.clientCapabilities;
  }

  get http(): HttpView | undefined {
    const { request, authInfo, peer, closeStream, closeStandaloneStream } =
      this.#call.reply;
    const address = addressOf(peer);
    if (request === undefined && authInfo === undefined) return undefined;
    void request?.headers;
    return {
      req: request,
      authInfo,
      ...(address !== undefined && { address }),
      ...(closeStream && { closeSSE: closeStream }),
      ...(closeStandaloneStream &&
        { closeStandaloneSSE: closeStandaloneStream }),
    };
  }

  get mcpReq(): McpRequestView {
    return this.#sdkRequest ??= new SdkRequest(this.#call, this);
  }

  get _meta(): RequestMeta | undefined {
    return this.mcpReq._meta;
  }

  get requestInfo(): RequestInfo | undefined {
    const { request, peer } = this.#call.reply;
    return request && {
      headers: Object.fromEntries(request.headers),
      url: new URL(askedUrlOf(request, peer)),
    };
  }

  // A getter, so that it can be taken off the context and called bare.
  get sendNotification(): ServerContext["sendNotification"] {
    return (notification) => this.mcpReq.notify(notification as Notification);
  }

  get sendRequest(): ServerContext["sendRequest"] {
    return (request, resultSchema, options) =>
      this.mcpReq.send(
        request as { method: string },
        resultSchema as StandardSchema,
        options,
      );
  }

  get closeSSEStream(): (() => void) | undefined {
    return this.#call.reply.closeStream;
  }

  get closeStandaloneSSEStream(): (() => void) | undefined {
    return this.#call.reply.closeStandaloneStream;
  }

  get log(): RequestLog {
    return this.#log ??= logOf(this.#call);
  }

  progress(progress: number, total?: number, message?: string): Promise<void> {
    return this.#call.progress(progress, total, message);
  }

  // The schema says what comes out; here that is not known.
  elicit(params: ElicitParams, options?: AskOptions): Promise<never> {
    return this.#call.inquiry.elicit(params, options) as Promise<never>;
  }

  sample(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult | CreateMessageResultWithTools> {
    return this.#call.inquiry.ask(
      "sample",
      { method: "sampling/createMessage", params },
      options,
    ) as Promise<CreateMessageResult>;
  }

  listRoots(options?: AskOptions): Promise<ListRootsResult> {
    return this.#call.inquiry.ask(
      "roots",
      { method: "roots/list" },
      options,
    ) as Promise<ListRootsResult>;
  }

  requestState<T = unknown>(): T | undefined {
    return this.#call.begunInquiry?.state as T | undefined;
  }

  readResource(uri: string): Promise<ReadResourceResult> {
    return handled(
      Promise.try(() => this.#owner.readResource(uri, this.#call)),
    );
  }

  runAsTask(
    work: (task: TaskRun) => unknown,
    terms: TaskTerms = {},
  ): Promise<never> {
    return handled(
      this.#call.host.runAsTask(this.#call, work, terms),
    ) as Promise<never>;
  }
}

function logOf(call: Call): RequestLog {
  const at =
    (level: keyof RequestLog) => (data: unknown, logger?: string): void => {
      void call.writeLog(level, data, logger);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    notice: at("notice"),
    warning: at("warning"),
    error: at("error"),
  };
}

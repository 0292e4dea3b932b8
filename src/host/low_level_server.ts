import {
  InvalidParamsError,
  ProtocolError,
  ProtocolErrorCode,
} from "../protocol/protocol_errors.ts";
import { nearestJson } from "../protocol/json_value.ts";
import { type JsonObject, notificationText } from "../protocol/jsonrpc.ts";
import {
  type InferOutput,
  issuesText,
  type StandardSchema,
} from "../protocol/standard_schema.ts";
import { normalUri } from "../protocol/uri_form.ts";
import type {
  ClientCapabilities,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  Implementation,
  ListRootsResult,
  LoggingMessageNotification,
  Notification,
  ServerCapabilities,
} from "../protocol/types.ts";
import type { MethodTable } from "../server/calls/method_table.ts";
import type {
  NotificationHandler,
  Notifications,
} from "../server/calls/notifications.ts";
import type { Capabilities } from "../server/catalog/capabilities.ts";
import type { ChangeNotices } from "../server/changes/change_notices.ts";
import { LOG_LEVELS } from "../server/eras/request_meta.ts";
import type { AskOptions, ServerContext } from "../server/server_context.ts";
import type { Session } from "../server/sessions/session.ts";

/** Answers a method of your own, or one of MCP's in your way. */
export type RequestHandler = (
  // deno-lint-ignore no-explicit-any -- the parameters of any method
  request: { method: string; params: any },
  ctx: ServerContext,
) => unknown;

/** What the parameters and the result of a method of your own must be. */
export interface MethodSchemas<Params extends StandardSchema> {
  /** Checks the parameters. */
  params: Params;
  /** Says what the handler returns; that is sent as it is. */
  result?: StandardSchema;
}

/** Answers a method of your own whose parameters have been checked. */
export type ParamsHandler<Params extends StandardSchema> = (
  params: InferOutput<Params>,
  ctx: ServerContext,
) => unknown;

/** What the low-level server works on. */
interface LowLevelParts {
  readonly methods: MethodTable;
  readonly notifications: Notifications;
  readonly capabilities: Capabilities;
  readonly changes: ChangeNotices;
  readonly sessions: ReadonlySet<Session>;
}

/**
 * `server.server` of the official SDK: methods and notifications of your own,
 * and what concerns no request. Where the SDK has a server per client, this one
 * serves all of them: what is sent goes to everybody who asked for it, and what
 * needs one client works while there is just one, as on stdio.
 */
export class LowLevelServer {
  readonly #parts: LowLevelParts;
  /** Called after a legacy client has said that it is ready. */
  oninitialized?: () => void;
  /** Called when the server has closed. */
  onclose?: () => void;
  /** Called with what went wrong outside any request. */
  onerror?: (error: Error) => void;

  /** @internal */
  constructor(parts: LowLevelParts) {
    this.#parts = parts;
    parts.notifications.handlers.set(
      "notifications/initialized",
      () => this.oninitialized?.(),
    );
  }

  /** Answers a method: the handler gets the whole request. */
  setRequestHandler(method: string, handler: RequestHandler): void;
  /** Answers a method of your own: the handler gets the checked parameters. */
  setRequestHandler<Params extends StandardSchema>(
    method: string,
    schemas: MethodSchemas<Params>,
    handler: ParamsHandler<Params>,
  ): void;
  setRequestHandler(
    method: string,
    second: RequestHandler | MethodSchemas<StandardSchema>,
    third?: ParamsHandler<StandardSchema>,
  ): void {
    this.#parts.methods.custom.set(method, async (call) => {
      const { _meta, ...params } = call.params;
      const result = typeof second === "function"
        ? await second({
          method,
          params: { ...params, ...(_meta !== undefined && { _meta }) },
        }, call.context)
        : await third!(
          await checkParams(method, second.params, params),
          call.context,
        );
      remember(method, params, call.session);
      return result ?? {};
    });
  }

  /** Takes the answer to a method back. */
  removeRequestHandler(method: string): void {
    this.#parts.methods.custom.delete(method);
  }

  /** Hears of a notification from clients. */
  setNotificationHandler(
    method: string,
    handler: (
      // deno-lint-ignore no-explicit-any -- the parameters of any notification
      notification: { method: string; params?: any },
    ) => void | Promise<void>,
  ): void;
  /** Hears of a notification of your own: the handler gets the checked parameters. */
  setNotificationHandler<Params extends StandardSchema>(
    method: string,
    schemas: { params: Params },
    handler: (
      params: InferOutput<Params>,
      notification: Notification,
    ) => void | Promise<void>,
  ): void;
  setNotificationHandler(
    method: string,
    second: NotificationHandler | { params: StandardSchema },
    third?: (
      params: unknown,
      notification: Notification,
    ) => void | Promise<void>,
  ): void {
    this.#parts.notifications.handlers.set(
      method,
      typeof second === "function"
        ? second
        : async (notification) =>
          await third!(
            await checkParams(method, second.params, notification.params ?? {}),
            notification as Notification,
          ),
    );
  }

  /** Declares more capabilities. */
  registerCapabilities(capabilities: ServerCapabilities): void {
    this.#parts.capabilities.declare(capabilities);
  }

  /** What the server declares to legacy clients. */
  getCapabilities(): ServerCapabilities {
    return this.#parts.capabilities.legacy(true);
  }

  /** What the only client can do; `undefined` if there is not just one. */
  getClientCapabilities(): ClientCapabilities | undefined {
    return this.#only?.capabilities;
  }

  /** What the only client says it is. */
  getClientVersion(): Implementation | undefined {
    return this.#only?.clientInfo;
  }

  get #only(): Session | undefined {
    const [session, ...others] = this.#parts.sessions;
    return others.length === 0 && session?.initialized ? session : undefined;
  }

  /** Tells those who listen that the list of tools has changed. */
  sendToolListChanged(): Promise<void> {
    return this.#announce("tools");
  }

  /** Likewise for the list of prompts. */
  sendPromptListChanged(): Promise<void> {
    return this.#announce("prompts");
  }

  /** Likewise for the list of resources. */
  sendResourceListChanged(): Promise<void> {
    return this.#announce("resources");
  }

  #announce(kind: "tools" | "prompts" | "resources"): Promise<void> {
    this.#parts.changes.announceList(kind);
    return Promise.resolve();
  }

  /** Tells those who subscribed to a resource that it has changed. */
  sendResourceUpdated({ uri }: { uri: string }): Promise<void> {
    this.#parts.changes.resourceUpdated(uri);
    return Promise.resolve();
  }

  /**
   * Sends a log message outside any request: to the session named, or to the
   * only client. With several clients and no name, to nobody: a log is private.
   */
  sendLoggingMessage(
    params: LoggingMessageNotification["params"],
    sessionId?: string,
  ): Promise<void> {
    const session = sessionId === undefined
      ? this.#only
      : Array.from(this.#parts.sessions).find(({ id }) => id === sessionId);
    const wanted = session !== undefined &&
      LOG_LEVELS.indexOf(params.level) >=
        LOG_LEVELS.indexOf(session.logLevel ?? "debug");
    if (wanted) {
      session.send(notificationText("notifications/message", {
        ...params,
        data: nearestJson(params.data),
      }));
    }
    return Promise.resolve();
  }

  /** Sends a notification to the only client. */
  notification(
    { method, params }: { method: string; params?: JsonObject },
  ): Promise<void> {
    this.#only?.send(notificationText(method, params));
    return Promise.resolve();
  }

  /**
   * Makes what tells a client that its user is done with a page. It goes to the
   * client that was given the id, and to nobody else.
   */
  createElicitationCompletionNotifier(
    elicitationId: string,
    _options?: { relatedRequestId?: string | number },
  ): () => Promise<void> {
    return () => {
      const text = notificationText("notifications/elicitation/complete", {
        elicitationId,
      });
      for (const { elicitations } of this.#parts.sessions) {
        elicitations.get(elicitationId)?.(text);
      }
      return Promise.resolve();
    };
  }

  /** Asks the only client's user; inside a handler, use `ctx.elicit`. */
  elicitInput(
    params: ElicitRequestFormParams | ElicitRequestURLParams,
    options?: AskOptions,
  ): Promise<ElicitResult> {
    return this.#ask("elicitation/create", params, options);
  }

  /** Asks the only client's model; inside a handler, use `ctx.sample`. */
  createMessage(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult> {
    return this.#ask("sampling/createMessage", params, options);
  }

  /** Asks for the only client's roots; inside a handler, use `ctx.listRoots`. */
  listRoots(
    params?: JsonObject,
    options?: AskOptions,
  ): Promise<ListRootsResult> {
    return this.#ask("roots/list", params, options);
  }

  /** Asks the only client whether it is there. */
  ping(options?: AskOptions): Promise<JsonObject> {
    return this.#ask("ping", undefined, options);
  }

  #ask<T>(
    method: string,
    params: unknown,
    options?: AskOptions,
  ): Promise<T> {
    const session = this.#only;
    if (session === undefined) {
      return Promise.reject(
        new ProtocolError(
          ProtocolErrorCode.InvalidRequest,
          `${method} needs just one initialized client: inside a handler, ask through ctx`,
        ),
      );
    }
    return session.ask(
      method,
      params,
      (text) => session.send(text),
      options,
    ) as Promise<T>;
  }
}

/** Subscriptions stay the engine's affair, whoever answers the method. */
function remember(
  method: string,
  { uri }: JsonObject,
  session: Session | undefined,
): void {
  if (typeof uri !== "string") return;
  const form = normalUri(uri);
  if (method === "resources/subscribe") session?.subscriptions.add(form);
  if (method === "resources/unsubscribe") session?.subscriptions.delete(form);
}

async function checkParams(
  method: string,
  schema: StandardSchema,
  params: JsonObject,
): Promise<unknown> {
  const result = await schema["~standard"].validate(params);
  if (result.issues !== undefined) {
    throw new InvalidParamsError(
      `Invalid params for ${method}: ${issuesText(result.issues)}`,
    );
  }
  return result.value;
}

import { nearestJson } from "../protocol/nearest_json.ts";
import { type JsonObject, notificationText } from "../protocol/jsonrpc.ts";
import {
  isStandardSchema,
  type StandardSchema,
} from "../protocol/standard_schema.ts";
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
  RequestId,
  ServerCapabilities,
} from "../protocol/types.ts";
import type { Dispatcher } from "../server/calls/dispatcher.ts";
import type { Intake } from "../server/calls/intake.ts";
import type {
  Capabilities,
  DeclaredCapabilities,
} from "../server/catalog/capabilities.ts";
import type { ListKind } from "../server/catalog/catalog_options.ts";
import type { ChangeNotices } from "../server/changes/change_notices.ts";
import { LOG_LEVELS } from "../server/eras/request_meta.ts";
import { formParams } from "../server/questions/input_required.ts";
import type { AskOptions } from "../server/server_context.ts";
import type { Session } from "../server/sessions/session.ts";
import type { Transport } from "../transport/sdk_transport.ts";
import { Greeting } from "./greeting.ts";
import { OnlyClient } from "./only_client.ts";
import { OwnHandlers, type OwnHandlersParts } from "./own_handlers.ts";

const INITIALIZED = "notifications/initialized";

/** Parts that the low-level server works on. */
interface LowLevelParts extends OwnHandlersParts {
  readonly intake: Intake;
  readonly dispatcher: Dispatcher;
  readonly capabilities: Capabilities;
  readonly changes: ChangeNotices;
  readonly sessions: ReadonlySet<Session>;
}

/** The ways in which the server is reached and ended. */
interface Hosting {
  connect(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

/**
 * `server.server` of the official SDK: methods and notifications of your own,
 * and what concerns no request. Where the SDK has a server per client, this one
 * serves all of them: what is sent goes to everybody who asked for it, and what
 * needs one client works while there is just one, as on stdio.
 */
export class LowLevelServer extends OwnHandlers {
  readonly #parts: LowLevelParts;
  readonly #hosting: Hosting;
  readonly #client: OnlyClient;
  #transport: Transport | undefined;
  /**
   * Called after a legacy client has said that it is ready, and once before the
   * first request of 2026-07-28, in which no client says so.
   */
  oninitialized?: () => void | Promise<void>;
  /** Called when the server has closed. */
  onclose?: () => void;
  /**
   * Called with what went wrong outside any request: a notification's handler
   * that failed, a transport's error, an answer that nobody waits for.
   */
  onerror?: (error: Error) => void;

  /** @internal */
  constructor(parts: LowLevelParts, hosting: Hosting) {
    super(parts);
    this.#parts = parts;
    this.#hosting = hosting;
    parts.outside.listener = (error) => this.onerror?.(error);
    parts.notifications.handlers.set(
      INITIALIZED,
      () => this.oninitialized?.(),
    );
    const greeting = new Greeting({
      setGate: (gate) => parts.dispatcher.gate = gate,
      report: (error) => parts.outside.report(INITIALIZED, error),
    });
    this.#client = new OnlyClient(
      parts.sessions,
      greeting,
      () => parts.dispatcher.entering,
    );
    parts.intake.greet = ({ revision, clientCapabilities, clientInfo }) => {
      this.#client.first = { revision, clientCapabilities, clientInfo };
      const greet = parts.notifications.handlers.get(INITIALIZED);
      greeting.begin(() => greet?.({ method: INITIALIZED, params: {} }));
    };
  }

  /** Serves the client at the other end of a transport, as `McpServer.connect`. */
  connect(transport: Transport): Promise<void> {
    return this.#hosting.connect(transport);
  }

  /** Closes the server, as `McpServer.close`. */
  close(): Promise<void> {
    return this.#hosting.close();
  }

  /** Declares more capabilities. */
  registerCapabilities(capabilities: DeclaredCapabilities): void {
    this.#parts.capabilities.declare(capabilities);
  }

  /** Capabilities that the server declares to legacy clients. */
  getCapabilities(): ServerCapabilities {
    return this.#parts.capabilities.legacy(true);
  }

  /**
   * The transport that was connected last, while it is open; over HTTP, the
   * session of the only client.
   */
  get transport(): Partial<Transport> | undefined {
    const sessionId = this.#client.session?.id;
    return this.#transport ??
      (sessionId === undefined ? undefined : { sessionId });
  }

  /** Set by `McpServer.connect`. */
  set transport(transport: Transport | undefined) {
    this.#transport = transport;
  }

  /**
   * Capabilities of the only client; `undefined` if there is not just one.
   * Where no client has a session it is the first that asked anything: read
   * `ctx.clientCapabilities` inside a handler.
   */
  getClientCapabilities(): ClientCapabilities | undefined {
    return this.#client.facts?.clientCapabilities;
  }

  /** Self-description of that client. */
  getClientVersion(): Implementation | undefined {
    return this.#client.facts?.clientInfo;
  }

  /** The revision that the only client speaks. */
  getNegotiatedProtocolVersion(): string | undefined {
    return this.#client.facts?.revision;
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
      ? this.#client.session
      : Array.from(this.#parts.sessions).find(({ id }) => id === sessionId);
    const wanted = session !== undefined && this.#parts.capabilities.logs &&
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

  /**
   * Sends a notification: with `relatedRequestId`, from within the request's
   * handler, on its stream; changes to those who listen; anything else to the
   * only client. What a handler says of a request that is over goes nowhere.
   */
  notification(
    { method, params }: { method: string; params?: JsonObject },
    { relatedRequestId }: { relatedRequestId?: RequestId } = {},
  ): Promise<void> {
    const call = relatedRequestId === undefined
      ? undefined
      : this.#parts.dispatcher.related.find(relatedRequestId);
    if (call !== undefined) {
      return call.context.mcpReq.notify({ method, params } as Notification);
    }
    const list = /^notifications\/(tools|prompts|resources)\/list_changed$/
      .exec(method);
    if (list !== null) return this.#announce(list[1] as ListKind);
    if (method === "notifications/resources/updated") {
      return this.sendResourceUpdated(params as { uri: string });
    }
    // A client uses the id again, and another has the same.
    if (
      relatedRequestId !== undefined && this.#parts.dispatcher.related.inCall
    ) {
      return Promise.resolve();
    }
    if (method === "notifications/message") {
      return this.sendLoggingMessage(
        params as LoggingMessageNotification["params"],
      );
    }
    this.#client.session?.send(notificationText(method, params));
    return Promise.resolve();
  }

  /**
   * Makes what tells a client that its user is done with a page. It goes to the
   * client that was given the id, and to nobody else.
   */
  createElicitationCompletionNotifier(
    elicitationId: string,
    _options?: { relatedRequestId?: RequestId },
  ): () => Promise<void> {
    return () => {
      this.#parts.changes.elicitationComplete(elicitationId);
      return Promise.resolve();
    };
  }

  /** Asks the only client anything; inside a handler, use `ctx.mcpReq.send`. */
  request<T = JsonObject>(
    request: { method: string; params?: JsonObject },
    schemaOrOptions?: StandardSchema | AskOptions,
    options?: AskOptions,
  ): Promise<T> {
    const schema = isStandardSchema(schemaOrOptions)
      ? schemaOrOptions
      : undefined;
    return this.#client.ask<T>(
      request,
      options ?? (schema ? undefined : schemaOrOptions as AskOptions),
      schema,
    );
  }

  /** Asks the only client's user; inside a handler, use `ctx.elicit`. */
  elicitInput(
    params: ElicitRequestFormParams | ElicitRequestURLParams,
    options?: AskOptions,
  ): Promise<ElicitResult> {
    const asked = params.mode === "url" ? params : formParams(params);
    return this.#client.ask(
      { method: "elicitation/create", params: asked },
      options,
    );
  }

  /** Asks the only client's model; inside a handler, use `ctx.sample`. */
  createMessage(
    params: CreateMessageRequestParams,
    options?: AskOptions,
  ): Promise<CreateMessageResult> {
    return this.#client.ask(
      { method: "sampling/createMessage", params },
      options,
    );
  }

  /** Asks for the only client's roots; inside a handler, use `ctx.listRoots`. */
  listRoots(
    params?: JsonObject,
    options?: AskOptions,
  ): Promise<ListRootsResult> {
    return this.#client.ask({ method: "roots/list", params }, options);
  }

  /** Asks the only client whether it is there. */
  ping(options?: AskOptions): Promise<JsonObject> {
    return this.#client.ask({ method: "ping" }, options);
  }
}

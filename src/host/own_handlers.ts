import type {
  InferOutput,
  StandardSchema,
} from "../protocol/standard_schema.ts";
import type { Notification } from "../protocol/types.ts";
import type { MethodTable } from "../server/calls/method_table.ts";
import type {
  NotificationHandler,
  Notifications,
} from "../server/calls/notifications.ts";
import type { OutsideErrors } from "../server/calls/outside_errors.ts";
import type { FullCacheHints } from "../server/catalog/cache_hint.ts";
import type { ServerContext } from "../server/server_context.ts";
import {
  type MessageHandler,
  messageHandler,
  type MessageOf,
  type MessageSchema,
  type MethodSchemas,
  type ParamsHandler,
  type RequestHandler,
  requestHandler,
} from "./message_handlers.ts";
import { ownMethod } from "./own_method.ts";
import { OwnSubscriptions } from "./own_subscriptions.ts";

const LISTEN = "subscriptions/listen";

/** Parts that handlers of the author's own are put into. */
export interface OwnHandlersParts {
  readonly options: { readonly cacheHints: FullCacheHints };
  readonly methods: MethodTable;
  readonly notifications: Notifications;
  readonly outside: OutsideErrors;
}

/** The methods that an author answers, and the notifications that one hears. */
export abstract class OwnHandlers {
  readonly #parts: OwnHandlersParts;
  readonly #own: Map<string, MessageHandler<ServerContext>> = new Map();
  #fallback: RequestHandler | undefined;

  /** @internal */
  constructor(parts: OwnHandlersParts) {
    this.#parts = parts;
  }

  /** Answers a method: the handler gets the whole request. */
  setRequestHandler(method: string, handler: RequestHandler): void;
  /** Answers a method of your own: the handler gets the checked parameters. */
  setRequestHandler<Params extends StandardSchema>(
    method: string,
    schemas: MethodSchemas<Params>,
    handler: ParamsHandler<Params>,
  ): void;
  /**
   * Answers the method that a schema names, as in the official SDK's v1: the
   * handler gets the whole request, checked.
   */
  setRequestHandler<Schema extends MessageSchema>(
    schema: Schema,
    handler: (request: MessageOf<Schema>, ctx: ServerContext) => unknown,
  ): void;
  setRequestHandler(first: unknown, second: unknown, third?: unknown): void {
    const { methods, options } = this.#parts;
    const handler = requestHandler(first, second, third);
    this.#own.set(handler.method, handler);
    methods.custom.set(handler.method, ownMethod(handler, options.cacheHints));
    if (handler.method === "resources/subscribe") this.#followStreams();
  }

  #followStreams(): void {
    const { methods, outside } = this.#parts;
    const listen = methods.core(LISTEN, "modern");
    if (listen === undefined || methods.custom.has(LISTEN)) return;
    const own = new OwnSubscriptions({
      handler: (method) => this.#own.get(method),
      report: (what, error) => outside.report(what, error),
    });
    methods.custom.set(LISTEN, own.around(listen));
  }

  /** Takes the answer to a method back. */
  removeRequestHandler(method: string): void {
    this.#own.delete(method);
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
  /**
   * Hears of the notification that a schema names, as in the official SDK's v1:
   * the handler gets the whole notification, checked.
   */
  setNotificationHandler<Schema extends MessageSchema>(
    schema: Schema,
    handler: (notification: MessageOf<Schema>) => void | Promise<void>,
  ): void;
  setNotificationHandler(
    first: unknown,
    second: unknown,
    third?: unknown,
  ): void {
    const { method, run } = messageHandler<undefined>(first, second, third);
    this.#parts.notifications.handlers.set(
      method,
      async ({ params = {} }) => void await run({ method, params }, undefined),
    );
  }

  /** Listens to a notification no more. */
  removeNotificationHandler(method: string): void {
    this.#parts.notifications.handlers.delete(method);
  }

  /**
   * Does nothing where a method has no handler of your own yet.
   * @throws {Error} where it has one
   */
  assertCanSetRequestHandler(method: string): void {
    if (!this.#own.has(method)) return;
    throw new Error(
      `A request handler for ${method} already exists, which would be overridden`,
    );
  }

  /** Answers every method that nothing else answers. */
  get fallbackRequestHandler(): RequestHandler | undefined {
    return this.#fallback;
  }

  set fallbackRequestHandler(run: RequestHandler | undefined) {
    this.#fallback = run;
    this.#parts.methods.fallback = run &&
      ((call) => {
        const { cacheHints } = this.#parts.options;
        return ownMethod({ method: call.method, run }, cacheHints)(call);
      });
  }

  /** Hears of every notification that nothing else hears. */
  get fallbackNotificationHandler(): NotificationHandler | undefined {
    return this.#parts.notifications.fallback;
  }

  set fallbackNotificationHandler(handler: NotificationHandler | undefined) {
    this.#parts.notifications.fallback = handler;
  }
}

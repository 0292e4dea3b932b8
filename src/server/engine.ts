import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { byteLength } from "../base/byte_length.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { thrownText } from "../base/thrown.ts";
import { HealthChecks } from "../observe/health_checks.ts";
import { healthChangeLog } from "../observe/health_change_log.ts";
import type { WatchedWork } from "../observe/block_suspects.ts";
import { Logger } from "../observe/logger.ts";
import { Watchdog } from "../observe/watchdog.ts";
import { resolveTelemetry } from "../observe/telemetry.ts";
import {
  MethodNotFoundError,
  ProtocolError,
  ProtocolErrorCode,
} from "../protocol/errors.ts";
import {
  errorText,
  type JsonObject,
  notificationText,
  resultText,
  toProtocolError,
} from "../protocol/jsonrpc.ts";
import {
  type Era,
  metaKey,
  SUPPORTED_REVISIONS,
  TASKS_EXTENSION,
} from "../protocol/revision.ts";
import type {
  AuthInfo,
  Implementation,
  ServerCapabilities,
} from "../protocol/types.ts";
import { checkCacheHint } from "./cache_hint.ts";
import type { Extension } from "./extension.ts";
import { failureKindOf } from "./failure_kind.ts";
import { Lifespan } from "./lifespan.ts";
import { legacyMethods, type Method, modernMethods } from "./methods.ts";
import { compose, type Middleware } from "./middleware.ts";
import { Readiness } from "./readiness.ts";
import { ReadyJson } from "./ready_json.ts";
import { type ListKind, Registry } from "./registry.ts";
import { STAYS_OPEN } from "./reply.ts";
import type { RequestContext } from "./request_context.ts";
import { nameOf, RequestRecorder } from "./request_recorder.ts";
import { requestFields } from "./request_log.ts";
import { RequestTracing } from "./request_tracing.ts";
import { ResultWriter } from "./result_writer.ts";
import { StateSealer } from "./request_state.ts";
import { isThenable } from "./rounds.ts";
import {
  type McpServerOptions,
  type ResolvedOptions,
  resolveOptions,
  stateTtlMs,
} from "./server_options.ts";
import type { Session } from "./session.ts";
import { SkillsExtension } from "./skills/skills_extension.ts";
import { listTopic, resourceTopic, Subscriptions } from "./subscriptions.ts";
import { TaskManager } from "./task_manager.ts";
import type { RegisteredTool } from "./tool.ts";

/** How long a shutdown waits for requests in flight, in milliseconds. */
export const DEFAULT_GRACE_MS = 10_000;

/** A notification from a client, on its way to a handler of the author's. */
export type NotificationHandler = (
  notification: { method: string; params?: JsonObject },
) => void | Promise<void>;

/**
 * Takes requests in and sees that each is answered once: finds the method, runs
 * it through the middleware, and writes the result in the client's era. One
 * engine serves every transport; what belongs to a request is in its context.
 */
export class Engine {
  readonly info: Implementation;
  readonly options: ResolvedOptions;
  readonly log: Logger;
  readonly registry: Registry;
  readonly subscriptions: Subscriptions;
  readonly tasks: TaskManager;
  readonly health: HealthChecks;
  readonly readiness: Readiness;
  readonly lifespan: Lifespan;
  readonly stateSealer: StateSealer;
  /** Counts requests, unless metrics are off. */
  readonly recorder: RequestRecorder | undefined;
  /** Names what blocks the event loop, unless it is off. */
  readonly watchdog: Watchdog | undefined;
  /** Makes spans and measurements; `undefined` while nobody takes them. */
  readonly tracing: RequestTracing | undefined;
  /** The sessions of legacy clients, whatever their transport. */
  readonly sessions: Set<Session> = new Set();
  /** Methods that the author has added or replaced. */
  readonly custom: Map<string, Method> = new Map();
  readonly notificationHandlers: Map<string, NotificationHandler> = new Map();

  readonly #resources: AsyncDisposableStack = new AsyncDisposableStack();
  readonly #extensions: readonly Extension[];
  readonly #middleware: Middleware[] = [];
  readonly #mounted: Engine[] = [];
  readonly #changedLists: Set<ListKind> = new Set();
  readonly #offered: Set<ListKind> = new Set();
  readonly #writer: ResultWriter;
  readonly #serverMeta: JsonObject;
  #chain: ReturnType<typeof compose> | undefined;
  readonly #waiting: Set<RequestContext> = new Set();
  #inFlight = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(info: Implementation, options: McpServerOptions = {}) {
    this.info = info;
    this.options = resolveOptions(options);
    this.log = new Logger(options.log, options.logLevel);
    this.registry = new Registry(
      this,
      this.options.pageSize,
      options.cacheHints ?? {},
      (kind) => this.#listChanged(kind),
    );
    this.#extensions = [new SkillsExtension(this.registry.skills)];
    this.#serverMeta = this.options.identifyInResults
      ? { [metaKey.serverInfo]: { name: info.name, version: info.version } }
      : {};
    this.#writer = new ResultWriter(this.#serverMeta);
    this.subscriptions = new Subscriptions(
      this.options.maxSubscriptions,
      () => ({
        tools: this.offers("tools"),
        prompts: this.offers("prompts"),
        resources: this.offers("resources"),
      }),
      () => this.#serverMeta,
    );
    this.recorder = this.options.metrics
      ? new RequestRecorder(this, (method) => this.knows(method))
      : undefined;
    this.watchdog = this.#makeWatchdog();
    this.tasks = new TaskManager(this, options.tasks ?? {});
    this.health = new HealthChecks({
      ...options.health,
      version: info.version,
      clock: this.clock,
      onChange: healthChangeLog(this.log),
    });
    this.readiness = new Readiness(this);
    this.lifespan = new Lifespan(
      options.lifespan,
      (value) => this.health.adopt(value),
    );
    if (options.lifespan) this.health.adopt({ lifespan: this.readiness });
    this.stateSealer = new StateSealer(
      options.requestState?.key,
      stateTtlMs(options),
    );
    const telemetry = resolveTelemetry(options.tracing);
    if (telemetry !== undefined) {
      this.tracing = new RequestTracing(this, telemetry);
      this.disposeLater(this.tracing);
    }
  }

  get clock(): Clock {
    return this.options.clock;
  }

  /** How many requests have no answer yet, open subscriptions left aside. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether no new work is taken. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Who a request belongs to. */
  identify(authInfo: AuthInfo | undefined): string {
    return authInfo === undefined ? "" : this.options.identify(authInfo);
  }

  /** Takes note of a legacy client's session. */
  sessionOpened(session: Session): void {
    this.sessions.add(session);
  }

  /** Forgets a session that has been closed. */
  sessionClosed(session: Session): void {
    if (this.sessions.delete(session)) this.tracing?.sessionEnded(session);
  }

  /** Closes something once the last request has finished. */
  disposeLater(resource: AsyncDisposable): void {
    this.#resources.use(resource);
  }

  use(middleware: Middleware): void {
    this.#middleware.push(middleware);
    this.#chain = compose(this.#middleware);
  }

  /** Shows another server's registrations here, under a prefix. */
  mount(prefix: string, other: Engine): void {
    if (other === this || other.#mounts(this)) {
      throw new InvalidOptionError(
        `a server can't be mounted into itself, got prefix ${quote(prefix)}`,
      );
    }
    this.registry.mount(prefix, other.registry);
    this.health.mount(prefix, other.health);
    this.#mounted.push(other);
  }

  #mounts(engine: Engine): boolean {
    return this.#mounted.some((each) =>
      each === engine || each.#mounts(engine)
    );
  }

  /** Opens the lifespans, of the mounted servers first. */
  async start(): Promise<void> {
    for (const mounted of this.#mounted) await mounted.start();
    await this.lifespan.start();
  }

  /** Whether requests can be served without waiting. */
  get ready(): boolean {
    return this.lifespan.ready &&
      (this.#mounted.length === 0 ||
        this.#mounted.every((each) => each.ready));
  }

  /** Looks after the event loop from now on, until the server is closed. */
  watch(): void {
    if (this.recorder === undefined || this.watchdog === undefined) return;
    this.recorder.watchdog = this.watchdog;
    this.watchdog.start();
  }

  #makeWatchdog(): Watchdog | undefined {
    const { metrics, watchdog = {} } = this.options;
    // Only real time shows what the event loop is late for.
    const realTime = this.clock === systemClock;
    if (!metrics || watchdog === false || !realTime) return undefined;
    return new Watchdog({
      ...watchdog,
      inProgress: () => this.#inProgress(),
      handlerOf: (name) => this.registry.tools.slots.get(name)?.item.handler,
      log: ({ message, fields }) => this.log.warning(message, fields),
    });
  }

  *#inProgress(): Iterable<WatchedWork> {
    for (const context of this.#waiting) {
      yield { name: nameOf(context), begunAt: context.begunAt };
    }
  }

  /** Takes a request in. The answer goes to the context's reply. */
  dispatch(context: RequestContext): void {
    if (this.tracing === undefined) this.#dispatch(context);
    else this.tracing.run(context, () => this.#dispatch(context));
  }

  #dispatch(context: RequestContext): void {
    this.#inFlight++;
    this.recorder?.begin(context);
    context.session?.inFlight.set(context.requestId, context);
    let outcome: unknown;
    try {
      outcome = this.ready
        ? this.#run(context)
        : this.start().then(() => this.#run(context));
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    if (isThenable(outcome)) {
      this.#waiting.add(context);
      this.recorder?.pause(context);
      outcome.then(
        (result) => this.#succeed(context, result),
        (error) => this.#fail(context, error),
      );
    } else this.#succeed(context, outcome);
  }

  #run(context: RequestContext): unknown {
    const method = this.#methodFor(context);
    if (this.#chain === undefined) return method(context);
    return this.#chain(
      { method: context.method, params: context.params, ctx: context },
      async ({ params }) => {
        context.params = params;
        this.recorder?.enter(context);
        const result = await method(context);
        return (result instanceof ReadyJson
          ? result.parse(context.era)
          : result) as JsonObject;
      },
    );
  }

  /** Whether a method is one that clients may call, in any era. */
  knows(method: string): boolean {
    return this.custom.has(method) || modernMethods.has(method) ||
      legacyMethods.has(method) || this.#extensionMethod(method) !== undefined;
  }

  #methodFor({ method, era }: RequestContext): Method {
    const found = this.#customMethod(method, era) ??
      (era === "modern" ? modernMethods : legacyMethods).get(method) ??
      this.#extensionMethod(method);
    if (found === undefined) throw new MethodNotFoundError(method);
    return found;
  }

  /** The author's answer to a method, unless that is of the other era alone. */
  #customMethod(method: string, era: Era): Method | undefined {
    const found = this.custom.get(method);
    if (found === undefined) return undefined;
    const [own, other] = era === "modern"
      ? [modernMethods, legacyMethods]
      : [legacyMethods, modernMethods];
    return own.has(method) || !other.has(method) ? found : undefined;
  }

  #extensionMethod(method: string): Method | undefined {
    return this.#extensions
      .find(({ active, methods }) => active && methods.has(method))
      ?.methods.get(method);
  }

  #succeed(context: RequestContext, result: unknown): void {
    if (context.settled) return;
    if (result === STAYS_OPEN) {
      this.recorder?.end(context, undefined);
      this.tracing?.succeeded(context, result);
      this.#leave(context);
      return;
    }
    let text: string;
    try {
      text = resultText(
        context.requestId,
        this.#writer.write(result, context.era),
      );
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    this.tracing?.succeeded(context, result);
    this.#answered(context, text);
  }

  #fail(context: RequestContext, error: unknown): void {
    if (context.settled) return;
    const wire = toProtocolError(error, this.options.maskErrors);
    context.failure = failureKindOf(error, "internal_error");
    if (!(error instanceof ProtocolError)) {
      this.reportFailure(context.method, error, requestFields(context));
    }
    this.tracing?.failed(context, wire);
    this.#answered(context, errorText(context.requestId, wire), wire);
  }

  #answered(
    context: RequestContext,
    text: string,
    error?: ProtocolError,
  ): void {
    this.settle(context, text, error);
    this.#leave(context);
  }

  /** Answers a request that is not let through to its method. */
  refuse(context: RequestContext, error: ProtocolError): void {
    const text = errorText(context.requestId, error);
    context.settled = true;
    context.failure = failureKindOf(error, "internal_error");
    this.recorder?.begin(context);
    this.tracing?.refused(context, error);
    this.#answer(context, text, error);
  }

  /** Sends the last word on a request. */
  settle(context: RequestContext, text: string, error?: ProtocolError): void {
    context.settled = true;
    context.session?.inFlight.delete(context.requestId);
    this.#answer(context, text, error);
  }

  #answer(context: RequestContext, text: string, error?: ProtocolError): void {
    if (this.recorder !== undefined) {
      context.responseBytes += byteLength(text);
      this.recorder.end(context, context.failure);
    }
    context.reply.respond(text, error);
  }

  /** Lets go of a request that its client has called off. */
  settleCancelled(context: RequestContext): void {
    context.settled = true;
    context.session?.inFlight.delete(context.requestId);
    this.recorder?.end(context, "cancelled");
    this.tracing?.cancelled(context);
    const listening = this.subscriptions.forget(context);
    context.reply.abandon();
    if (!listening) this.#leave(context);
  }

  #leave(context: RequestContext): void {
    this.#waiting.delete(context);
    if (--this.#inFlight > 0 || this.#idle.length === 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resume of waiting) resume();
  }

  /** Takes a notification in. Nothing is ever answered to one. */
  notified(
    method: string,
    params: JsonObject,
    session: Session | undefined,
  ): void {
    if (method === "notifications/cancelled") {
      const id = params.requestId as string | number;
      const context = session?.inFlight.get(id);
      if (context?.method !== "initialize") {
        context?.cancel(
          typeof params.reason === "string"
            ? params.reason
            : "cancelled by the client",
        );
      }
    }
    const handler = this.notificationHandlers.get(method);
    if (handler === undefined) return;
    Promise.try(() => handler({ method, params })).catch((error) =>
      this.reportFailure(method, error, {})
    );
  }

  /** Tells every client that wants to know that a resource has changed. */
  resourceUpdated(uri: string): void {
    const method = "notifications/resources/updated";
    this.subscriptions.publish(resourceTopic(uri), method, { uri });
    const text = notificationText(method, { uri });
    for (const session of this.sessions) {
      if (session.subscriptions.has(uri)) session.send(text);
    }
  }

  /** A burst of registrations is one change. */
  #listChanged(kind: ListKind): void {
    if (this.#changedLists.size === 0) {
      queueMicrotask(() => {
        const kinds = [...this.#changedLists];
        this.#changedLists.clear();
        for (const each of kinds) this.announceList(each);
      });
    }
    this.#changedLists.add(kind);
  }

  /** Tells every client that listens that a list has changed. */
  announceList(kind: ListKind): void {
    const method = `notifications/${kind}/list_changed`;
    this.subscriptions.publish(listTopic(kind), method, {});
    const text = notificationText(method);
    for (const session of this.sessions) {
      if (session.initialized) session.send(text);
    }
  }

  /** Whether the server has, or says it has, something of a kind. */
  offers(kind: ListKind): boolean {
    // What clients were once told of stays there, even when the last one goes.
    if (this.registry[kind].size > 0) this.#offered.add(kind);
    return this.#offered.has(kind) ||
      this.options.capabilities?.[kind] !== undefined;
  }

  #capabilities(): ServerCapabilities {
    const declared = this.options.capabilities ?? {};
    const lists: Record<string, unknown> = {};
    for (const kind of ["tools", "prompts", "resources"] as const) {
      if (!this.offers(kind)) continue;
      lists[kind] = {
        listChanged: true,
        ...(kind === "resources" && { subscribe: true }),
        ...declared[kind],
      };
    }
    const extensions = this.#extensions.filter(({ active }) => active)
      .map(({ id, settings }) => [id, settings]);
    return {
      logging: {},
      ...(this.registry.completes && { completions: {} }),
      ...declared,
      ...lists,
      ...(extensions.length > 0 && {
        extensions: {
          ...Object.fromEntries(extensions),
          ...declared.extensions,
        },
      }),
    };
  }

  /** What `initialize` says that the server can do. */
  legacyCapabilities(): ServerCapabilities {
    return this.#capabilities();
  }

  /** The result of `server/discover`. */
  discovery(): JsonObject {
    const capabilities = this.#capabilities();
    const { instructions, cacheHints } = this.options;
    return {
      supportedVersions: SUPPORTED_REVISIONS,
      capabilities: {
        ...capabilities,
        extensions: { [TASKS_EXTENSION]: {}, ...capabilities.extensions },
      },
      ...(instructions !== undefined && { instructions }),
      ...checkCacheHint(
        cacheHints?.["server/discover"],
        "cacheHints: server/discover",
      ),
      _meta: this.options.identifyInResults
        ? { [metaKey.serverInfo]: this.info }
        : {},
    };
  }

  /** The tool that a `tools/call` is about. */
  toolOf({ params }: RequestContext): RegisteredTool | undefined {
    return this.registry.tools.slots.get(params.name as string)?.item;
  }

  /** One line for the operator about something that went wrong. */
  reportFailure(
    what: string,
    error: unknown,
    fields: Record<string, unknown>,
  ): void {
    this.log.error(`${what} failed: ${thrownText(error)}`, {
      ...fields,
      ...(error instanceof Error && { stack: error.stack }),
    });
  }

  warn(message: string): void {
    this.log.warning(message);
  }

  /** Resolves once no request is in flight. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Ends in good order: subscriptions are told, tasks called off, requests in
   * flight waited for, and then the lifespan closed.
   *
   * @param graceMs how long requests may take to finish before they are given up
   */
  close(graceMs: number = DEFAULT_GRACE_MS): Promise<void> {
    return this.#closing ??= this.#close(graceMs);
  }

  async #close(graceMs: number): Promise<void> {
    this.subscriptions.close();
    this.health.close();
    const timer = this.clock.setTimeout(() => this.#giveUp(), graceMs);
    await Promise.all([this.tasks.close(graceMs), this.idle()]);
    this.clock.clearTimeout(timer);
    for (const session of [...this.sessions]) {
      session.close("the server is shutting down");
      this.sessionClosed(session);
    }
    await this.watchdog?.close();
    await this.#resources.disposeAsync();
    await this.lifespan.close();
    for (const mounted of this.#mounted.toReversed()) await mounted.close();
  }

  /** Answers what is still in flight with an error. */
  #giveUp(): void {
    const reason = new ProtocolError(
      ProtocolErrorCode.InternalError,
      "The server is shutting down",
    );
    for (const context of [...this.#waiting]) {
      context.expire(reason);
      this.#fail(context, reason);
    }
  }
}

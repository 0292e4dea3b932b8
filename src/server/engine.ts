import { byteLength } from "../base/byte_length.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { isThenable } from "../base/thenable.ts";
import { thrownText } from "../base/thrown.ts";
import type { WatchedWork } from "../observe/watch/block_suspects.ts";
import { healthChangeLog } from "../observe/health/health_checks_options.ts";
import { HealthChecks } from "../observe/health/health_checks.ts";
import { Logger } from "../observe/log/logger.ts";
import { Metrics } from "../observe/metrics/metrics.ts";
import { resolveTelemetry } from "../observe/trace/telemetry.ts";
import { Watchdog } from "../observe/watch/watchdog.ts";
import { ProtocolError, ProtocolErrorCode } from "../protocol/errors.ts";
import {
  errorText,
  type JsonObject,
  resultText,
  toProtocolError,
} from "../protocol/jsonrpc.ts";
import { metaKey } from "../protocol/revision.ts";
import type { AuthInfo, Implementation } from "../protocol/types.ts";
import { Capabilities } from "./capabilities.ts";
import { ChangeNotices } from "./change_notices.ts";
import { failureKindOf } from "./failure_kind.ts";
import { Lifespan } from "./lifespan.ts";
import { MethodTable } from "./method_table.ts";
import { compose, type Middleware } from "./middleware.ts";
import { Readiness } from "./readiness.ts";
import { ReadyJson } from "./ready_json.ts";
import { Registry } from "./registry.ts";
import { STAYS_OPEN } from "./reply.ts";
import type { RequestContext } from "./request_context.ts";
import { reportCutOff, requestFields } from "./request_log.ts";
import { RequestRecorder } from "./request_recorder.ts";
import { StateSealer } from "./request_state.ts";
import { RequestTracing } from "./request_tracing.ts";
import { ResultWriter } from "./result_writer.ts";
import {
  type McpServerOptions,
  type ResolvedOptions,
  resolveOptions,
  stateTtlMs,
} from "./server_options.ts";
import type { Session } from "./session.ts";
import { SkillsExtension } from "./skills/skills_extension.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TaskManager } from "./task_manager.ts";
import type { RegisteredTool } from "./tool.ts";
import { handlerOf, nameOf } from "./work_name.ts";

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
  readonly methods: MethodTable;
  readonly capabilities: Capabilities;
  readonly changes: ChangeNotices;
  readonly subscriptions: Subscriptions;
  readonly tasks: TaskManager;
  readonly health: HealthChecks;
  readonly readiness: Readiness;
  readonly lifespan: Lifespan;
  readonly stateSealer: StateSealer;
  /** Metrics of the author's own, and the text of all. */
  readonly metrics: Metrics = new Metrics();
  /** Counts requests, unless metrics are off. */
  readonly recorder: RequestRecorder | undefined;
  /** Names what blocks the event loop, unless it is off. */
  readonly watchdog: Watchdog | undefined;
  /** Makes spans and measurements; `undefined` while nobody takes them. */
  readonly tracing: RequestTracing | undefined;
  /** The sessions of legacy clients, whatever their transport. */
  readonly sessions: Set<Session> = new Set();
  readonly notificationHandlers: Map<string, NotificationHandler> = new Map();

  readonly #resources: AsyncDisposableStack = new AsyncDisposableStack();
  readonly #middleware: Middleware[] = [];
  readonly #mounted: Engine[] = [];
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
      (kind) => this.changes.listChanged(kind),
    );
    const extensions = [new SkillsExtension(this.registry.skills)];
    this.methods = new MethodTable(extensions);
    this.capabilities = new Capabilities(
      info,
      this.options,
      this.registry,
      extensions,
    );
    this.#serverMeta = this.options.identifyInResults
      ? { [metaKey.serverInfo]: { name: info.name, version: info.version } }
      : {};
    this.#writer = new ResultWriter(this.#serverMeta);
    this.subscriptions = new Subscriptions(
      this.options.maxSubscriptions,
      () => ({
        tools: this.capabilities.offers("tools"),
        prompts: this.capabilities.offers("prompts"),
        resources: this.capabilities.offers("resources"),
      }),
      () => this.#serverMeta,
    );
    this.changes = new ChangeNotices(this.subscriptions, this.sessions);
    this.recorder = this.options.metrics
      ? new RequestRecorder(this)
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
      handlerOf: (name) => handlerOf(this.registry, name),
      log: this.log,
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
    const method = this.methods.find(context);
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
    // What the client chose as an id may hold anything.
    const bytes = typeof context.requestId === "number"
      ? text.length + this.#writer.excess
      : undefined;
    this.#answered(context, text, undefined, bytes);
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
    bytes?: number,
  ): void {
    this.settle(context, text, error, bytes);
    this.#leave(context);
  }

  /** Answers a request that is not let through to its method. */
  refuse(context: RequestContext, error: ProtocolError): void {
    const text = errorText(context.requestId, error);
    context.settled = true;
    context.failure = failureKindOf(error, "internal_error");
    this.recorder?.begin(context);
    this.tracing?.refused(context, error);
    this.#answer(context, text, error, undefined);
  }

  /**
   * Sends the last word on a request.
   *
   * @param bytes how many it has, if that is known
   */
  settle(
    context: RequestContext,
    text: string,
    error?: ProtocolError,
    bytes?: number,
  ): void {
    context.settled = true;
    context.letOn();
    context.session?.inFlight.delete(context.requestId);
    this.#answer(context, text, error, bytes);
  }

  #answer(
    context: RequestContext,
    text: string,
    error: ProtocolError | undefined,
    bytes: number | undefined,
  ): void {
    if (this.recorder !== undefined) {
      context.responseBytes += bytes ?? byteLength(text);
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
    const timer = this.clock.setTimeout(() => this.#giveUp(graceMs), graceMs);
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
  #giveUp(graceMs: number): void {
    const contexts = [...this.#waiting];
    if (contexts.length === 0) return;
    reportCutOff(this, contexts, graceMs);
    const reason = new ProtocolError(
      ProtocolErrorCode.InternalError,
      "The server is shutting down",
    );
    for (const context of contexts) {
      context.expire(reason);
      this.#fail(context, reason);
    }
  }
}

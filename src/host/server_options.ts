import type { Clock } from "../base/clock.ts";
import type { HealthChecksOptions } from "../observe/health/health_checks_options.ts";
import type { LogLevel, LogSink } from "../observe/log/log.ts";
import type { WatchdogOptions } from "../observe/watch/watchdog.ts";
import type { TelemetryOptions } from "../observe/trace/telemetry.ts";
import type { Bus } from "../cluster/bus.ts";
import type { SharedRedisOptions } from "../cluster/shared_redis.ts";
import type { AuthInfo } from "../protocol/types.ts";
import type { AuditOptions } from "../server/calls/audit.ts";
import type { AdmissionOptions } from "../server/admission/admission_options.ts";
import type { DeclaredCapabilities } from "../server/catalog/capabilities.ts";
import type { LifespanFunction } from "../server/lifecycle/lifespan.ts";
import type { CacheHints } from "../server/catalog/cache_hint.ts";
import type { Extension } from "../server/extension.ts";
import type { RateLimitOptions } from "../server/calls/call_rate_limit.ts";
import type { ImpliedScopes } from "../server/identity/callers.ts";
import type { SessionStore } from "../server/sessions/session_store.ts";
import type { ServerContext } from "../server/server_context.ts";
import type { TaskOptions } from "../server/tasks/tasks_extension.ts";

/** Settings for signing and reading request states. */
export interface RequestStateOptions {
  /**
   * The key that states are signed with: at least 32 bytes, the same on every
   * replica.
   * @default the variable SLUICE_REQUEST_STATE_KEY, or a random key, which
   * replicas have in common where there is `redis`
   */
  key?: Uint8Array | string;
  /**
   * Several such keys in place of `key`, for a change of keys: the first signs,
   * all verify. Put the new one last on every replica, then first, and take the
   * old one out once `ttlMs` has gone by.
   */
  keys?: readonly (Uint8Array | string)[];
  /**
   * Milliseconds for which a state is taken back.
   * @default 600000
   */
  ttlMs?: number;
  /** Reads a handler's own state; what it returns is `ctx.requestState()`. */
  verify?: (state: string, ctx: ServerContext) => unknown;
}

/** Settings for how a server tells if it is well. */
export interface HealthOptions
  extends Pick<HealthChecksOptions, "cacheMs" | "timeoutMs"> {
  /**
   * Conditions of `/health/ready`: that the lifespan is open and the server
   * isn't draining, or on the critical checks as well (`"checks"`). A database
   * that every replica shares would then take all of them out at once, tools
   * that don't need it included: ask for it where traffic can go elsewhere.
   * @default "lifespan"
   */
  readiness?: "lifespan" | "checks";
}

/**
 * Options of the official SDK, of v1 or v2, that have nothing to decide here:
 * they are taken, so that a server can move in as it is, and left alone.
 */
export interface SdkOptions {
  /** Here tasks are kept in `tasks.store`. */
  taskStore?: unknown;
  /** Here questions of tasks wait with the task. */
  taskMessageQueue?: unknown;
  /** Here it is `tasks.pollIntervalMs`. */
  defaultTaskPollInterval?: number;
  /** Here the number of questions is the handler's affair. */
  maxTaskQueueSize?: number;
  /** Here clients are never asked for what they did not declare. */
  enforceStrictCapabilities?: boolean;
  /** Here a burst of registrations is always announced once. */
  debouncedNotificationMethods?: string[];
  /** Here JSON Schema is checked by ajv; see `fromJsonSchema` for another. */
  jsonSchemaValidator?: unknown;
  /** Here questions always work in both eras. */
  inputRequired?: unknown;
}

/** Behaviour of a server. Everything has a default. */
export interface McpServerOptions<Lifespan = unknown> extends SdkOptions {
  /** Instructions for using the server, for the client's model. */
  instructions?: string;
  /**
   * Capabilities to declare beside those that follow from what is registered.
   * What is declared narrows what is offered: `tools: { listChanged: false }`
   * announces no changes, `resources: {}` takes no subscriptions, `logging` is
   * there only if it is among what is declared, `completions: false` and
   * `tasks: false` leave those out, and so do `extensions` that don't name tasks.
   * @default what there is, with logging, tasks and subscriptions
   */
  capabilities?: DeclaredCapabilities;
  /**
   * The revisions of MCP to speak, in the order of preference.
   * @default SUPPORTED_REVISIONS
   */
  supportedProtocolVersions?: readonly string[];
  /** Opens what the handlers share; see {@linkcode LifespanFunction}. */
  lifespan?: LifespanFunction<Lifespan>;
  /**
   * Number of entries on a page of a list; `Infinity` for all of them.
   * @default Infinity
   */
  pageSize?: number;
  /** Time that clients may keep what lists, discovery and resources say. */
  cacheHints?: CacheHints;
  /** Settings for signing and reading request states. */
  requestState?: RequestStateOptions;
  /**
   * The Redis that makes replicas one server: sessions, notices, subscriptions,
   * tasks and streams work whichever replica gets a request.
   * @default none: this process is the whole server
   */
  redis?: string | SharedRedisOptions;
  /**
   * Way to the other processes of the server.
   * @default Redis's publish/subscribe, where there is `redis`
   */
  bus?: Bus;
  /**
   * Store of the sessions of legacy clients, for every process of the server to
   * go on with; needs a `bus`.
   * @default Redis, where there is `redis`
   */
  sessionStore?: SessionStore;
  /** Settings for how tasks run and where they are kept. */
  tasks?: TaskOptions;
  /**
   * Extensions of MCP beside tasks and skills.
   * @default []
   */
  extensions?: readonly Extension[];
  /**
   * Bounds on what is taken in at once, so that what is answered is answered in
   * time; false for none.
   * @default bounds that hardly any server meets
   */
  admission?: AdmissionOptions | false;
  /**
   * Number of `subscriptions/listen` streams that may be open at once.
   * @default 10000
   */
  maxSubscriptions?: number;
  /**
   * Levels of nesting in a request's parameters.
   * @default 64
   */
  maxDepth?: number;
  /**
   * Array elements and object members in a request's parameters, together.
   * @default 100000
   */
  maxToolInputElements?: number;
  /**
   * Bytes that the answer to a request may have. A bigger one is replaced by an
   * error that says how big it was; a tool's own `maxResultBytes` comes first.
   * @default Infinity
   */
  maxResultBytes?: number;
  /** Keeps a record of who did what; see {@linkcode AuditOptions}. */
  audit?: AuditOptions;
  /**
   * Keep the messages of unexpected errors from clients; the log has them.
   * @default false
   */
  maskErrors?: boolean;
  /**
   * Let models see which URL an `HttpPool` was asked for when that failed. The
   * log has it in any case.
   * @default false
   */
  revealUrls?: boolean;
  /**
   * Name the server in the `_meta` of every result.
   * @default true
   */
  identifyInResults?: boolean;
  /**
   * Scopes that a caller needs for any request: who lacks one is told so.
   * @default none
   */
  scopes?: readonly string[];
  /**
   * Scopes that come with others, such as `{ admin: ["read", "write"] }`.
   * @default none does
   */
  implies?: ImpliedScopes;
  /**
   * Tells callers apart: sessions, tasks and request states belong to one.
   * @default the token's issuer and subject; its client, where it has no issuer
   */
  identify?: (authInfo: AuthInfo) => string;
  /**
   * How often a caller may ask, whatever for. Who asks more often is refused with
   * a {@linkcode RefusedError}: 429 over HTTP, where `RateLimit` says how much is
   * left. Of a mounted server only the tools' own limits count.
   * @default as often as one likes
   */
  rateLimit?: RateLimitOptions;
  /**
   * Destination of the server's own log.
   * @default stderrLog
   */
  log?: LogSink;
  /**
   * Count requests, and how long they take: for `/metrics` and all that reads it.
   * @default true
   */
  metrics?: boolean;
  /**
   * Settings for looking after the event loop while the server listens; false
   * for not at all.
   * @default blocks of 100 ms and more are logged, with the tool that did it
   */
  watchdog?: WatchdogSettings | false;
  /**
   * The least grave records that are logged.
   * @default "info"
   */
  logLevel?: LogLevel;
  /**
   * Milliseconds past which a request is logged as slow; `Infinity` for none.
   * @default 1000
   */
  slowMs?: number;
  /**
   * Milliseconds in which the server logs at most one warning or error of the same
   * cause: slow calls of a tool, failures that differ in numbers alone. The next
   * tells in `swallowed` how many were kept back; 0 logs them all. What the author
   * writes to `server.log` is always written.
   * @default 10000
   */
  logIntervalMs?: number;
  /** Settings for `server.health`, and for what `/health/ready` depends on. */
  health?: HealthOptions;
  /**
   * OpenTelemetry: a span for each request, and metrics. `"auto"` gives them to
   * what is registered with its API when the server is made, such as Deno's own
   * exporter (`OTEL_DENO=true`); there is nothing to pay for where nothing is.
   * The trace context and the baggage that clients send are believed, and
   * passed on to the servers that handlers call.
   * @default "auto"
   */
  tracing?: "auto" | false | TelemetryOptions;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

/** Length of a block, and how closely the event loop is looked after. */
export type WatchdogSettings = Pick<
  WatchdogOptions,
  | "blockedMs"
  | "intervalMs"
  | "logIntervalMs"
  | "profiler"
  | "onBlock"
  | "cpuTimeMs"
>;

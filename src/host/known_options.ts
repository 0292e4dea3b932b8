import {
  checkFlag,
  checkGroup,
  checkKnown,
  checkMethods,
  checkName,
  checkText,
  type KnownOptions,
} from "../base/options.ts";
import { ADMISSION_OPTIONS } from "../server/admission/admission_options.ts";
import type { CacheHints } from "../server/catalog/catalog_options.ts";
import type { AuditOptions } from "../server/calls/audit.ts";
import type { TaskOptions } from "../server/tasks/tasks_extension.ts";
import type { Implementation } from "../protocol/types.ts";
import type { AdminOptions } from "../admin/admin_routes.ts";
import type { HttpOptions } from "../transport/http/http_options.ts";
import type { StdioOptions } from "../transport/stdio.ts";
import type { ServeOptions } from "./serve_options.ts";
import type {
  HealthOptions,
  McpServerOptions,
  RequestStateOptions,
  WatchdogSettings,
} from "./server_options.ts";

/** Every option of `McpServer`: the compiler sees to it that none is missing. */
const SERVER_OPTIONS: KnownOptions<
  McpServerOptions & HttpOptions & AdminOptions
> = {
  admission: true,
  allowedHosts: true,
  allowedOrigins: true,
  audit: true,
  auth: true,
  authenticate: true,
  implies: true,
  publicUrl: true,
  scopes: true,
  authorizeOperator: true,
  bodyTimeoutMs: true,
  bus: true,
  cacheHints: true,
  capabilities: true,
  clock: true,
  dashboard: true,
  debouncedNotificationMethods: true,
  debug: true,
  defaultTaskPollInterval: true,
  enforceStrictCapabilities: true,
  eventStore: true,
  extensions: true,
  health: true,
  httpSsePair: true,
  identify: true,
  identifyInResults: true,
  inputRequired: true,
  instructions: true,
  jsonSchemaValidator: true,
  keepAliveMs: true,
  lifespan: true,
  log: true,
  logIntervalMs: true,
  logLevel: true,
  maskErrors: true,
  maxBodyBytes: true,
  maxConnections: true,
  maxDepth: true,
  maxResultBytes: true,
  maxSessions: true,
  maxStallMs: true,
  maxSubscriptions: true,
  maxTaskQueueSize: true,
  maxToolInputElements: true,
  maxUnsentBytes: true,
  metrics: true,
  pageSize: true,
  path: true,
  rateLimit: true,
  redis: true,
  requestState: true,
  responseMode: true,
  retryMs: true,
  revealUrls: true,
  sessionIdleMs: true,
  sessionStore: true,
  sessions: true,
  slowMs: true,
  supportedProtocolVersions: true,
  taskMessageQueue: true,
  taskStore: true,
  tasks: true,
  tracing: true,
  trustedProxies: true,
  watchdog: true,
};

/** Every option of `serve`. */
export const SERVE_OPTIONS: KnownOptions<ServeOptions> = {
  drainMs: true,
  graceMs: true,
  hostname: true,
  onListen: true,
  operatorPort: true,
  port: true,
  signal: true,
  signals: true,
  tls: true,
  workers: true,
};

/** Every option of `serveStdio`. */
export const STDIO_OPTIONS: KnownOptions<StdioOptions> = {
  authInfo: true,
  graceMs: true,
  maxMessageBytes: true,
  signal: true,
  signals: true,
  streams: true,
};

const HINTED: KnownOptions<CacheHints> = {
  "server/discover": true,
  "tools/list": true,
  "prompts/list": true,
  "resources/list": true,
  "resources/templates/list": true,
  "resources/read": true,
  "resources/directory/read": true,
  "skills/list": true,
  "skills/get": true,
};

const GROUPS: {
  admission: typeof ADMISSION_OPTIONS;
  audit: KnownOptions<AuditOptions>;
  health: KnownOptions<HealthOptions>;
  requestState: KnownOptions<RequestStateOptions>;
  tasks: KnownOptions<TaskOptions>;
  watchdog: KnownOptions<WatchdogSettings>;
} = {
  admission: ADMISSION_OPTIONS,
  audit: { arguments: true, write: true },
  health: { cacheMs: true, readiness: true, timeoutMs: true },
  requestState: { key: true, keys: true, ttlMs: true, verify: true },
  tasks: { leaseMs: true, pollIntervalMs: true, store: true, ttlMs: true },
  watchdog: {
    blockedMs: true,
    cpuTimeMs: true,
    intervalMs: true,
    logIntervalMs: true,
    onBlock: true,
    profiler: true,
  },
};

/** @throws {InvalidOptionError} for a server without a name or a version */
export function checkInfo(info: Implementation): void {
  for (const name of ["name", "version"] as const) {
    checkName(`the server's ${name}`, info?.[name]);
  }
  checkText("the server's title", info.title);
}

/** @throws {InvalidOptionError} for an option of `McpServer` that nobody reads */
export function checkServerOptions(
  options: McpServerOptions & HttpOptions,
): void {
  checkKnown("McpServer", options, SERVER_OPTIONS);
  const { admission, watchdog } = options;
  const groups = {
    ...options,
    admission: admission === false ? undefined : admission,
    watchdog: watchdog === false ? undefined : watchdog,
  };
  for (const [name, known] of Object.entries(GROUPS)) {
    checkGroup(name, groups[name as keyof typeof GROUPS], known);
  }
  checkGroup("cacheHints", options.cacheHints, HINTED);
  checkText("instructions", options.instructions);
  checkFlag("sessions", options.sessions);
  checkMethods("audit", options.audit, ["write"]);
  checkFlag("audit.arguments", options.audit?.arguments);
  const { eventStore } = options;
  if (eventStore !== "redis") {
    checkMethods("eventStore", eventStore, ["storeEvent", "replayEventsAfter"]);
  }
  checkMethods("bus", options.bus, ["listen", "broadcast", "send"]);
  checkMethods("sessionStore", options.sessionStore, ["create", "use"]);
  checkMethods("tasks.store", options.tasks?.store, [
    "create",
    "get",
    "update",
  ]);
}

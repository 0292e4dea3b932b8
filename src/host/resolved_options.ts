import { ADMIN_OPTIONS, type AdminOptions } from "../admin/admin_routes.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../base/option_rules.ts";
import { checkName, checkText, quote } from "../base/options.ts";
import type { Bus } from "../cluster/bus.ts";
import { HEALTH_TIMES } from "../observe/health/health_checks_options.ts";
import type { LogSink } from "../observe/log/log.ts";
import { WATCHDOG_SETTINGS } from "../observe/watch/watchdog.ts";
import { SUPPORTED_REVISIONS } from "../protocol/revision.ts";
import type { Implementation } from "../protocol/types.ts";
import { admissionLimits } from "../server/admission/admission_options.ts";
import { readAudit } from "../server/calls/audit.ts";
import { readCacheHints } from "../server/catalog/cache_hint.ts";
import { checkExtensions } from "../server/extension_check.ts";
import { identityOf } from "../server/identity/caller.ts";
import type { ImpliedScopes } from "../server/identity/callers.ts";
import { readScopes } from "../server/identity/guard.ts";
import type { SessionStore } from "../server/sessions/session_store.ts";
import { TASK_OPTIONS } from "../server/tasks/tasks_extension.ts";
import {
  HTTP_OPTIONS,
  type HttpOptions,
} from "../transport/http/http_options.ts";
import type {
  HealthOptions,
  McpServerOptions,
  RequestStateOptions,
  SdkOptions,
  WatchdogSettings,
} from "./server_options.ts";

const SDK_OPTIONS = {
  taskStore: option.optional(),
  taskMessageQueue: option.optional(),
  defaultTaskPollInterval: option.optional(),
  maxTaskQueueSize: option.optional(),
  enforceStrictCapabilities: option.optional(),
  debouncedNotificationMethods: option.optional(),
  jsonSchemaValidator: option.optional(),
  inputRequired: option.optional(),
} satisfies OptionRules<SdkOptions>;

const REQUEST_STATE_OPTIONS = {
  key: option.optional<RequestStateOptions["key"]>(),
  keys: option.optional<RequestStateOptions["keys"]>(),
  ttlMs: option.durationMs(600_000, 1),
  verify: option.optional<RequestStateOptions["verify"]>(),
} satisfies OptionRules<RequestStateOptions>;

const HEALTH_OPTIONS = {
  ...HEALTH_TIMES,
  readiness: option.word("lifespan", ["lifespan", "checks"]),
} satisfies OptionRules<HealthOptions>;

const SERVER_OPTIONS = {
  ...SDK_OPTIONS,
  ...HTTP_OPTIONS,
  ...ADMIN_OPTIONS,
  instructions: option.text,
  capabilities: option.optional<McpServerOptions["capabilities"]>(),
  lifespan: option.function<McpServerOptions["lifespan"]>(undefined),
  identify: option.function(identityOf),
  log: option.function<LogSink | undefined>(undefined),
  logLevel: option.optional<McpServerOptions["logLevel"]>(),
  metrics: option.flag(true),
  maskErrors: option.flag(false),
  revealUrls: option.flag(false),
  identifyInResults: option.flag(true),
  scopes: readScopes,
  implies: readImplied,
  clock: option.any<Clock>(systemClock),
  admission: admissionLimits,
  rateLimit: option.optional<McpServerOptions["rateLimit"]>(),
  extensions: checkExtensions,
  supportedProtocolVersions: readRevisions,
  cacheHints: readCacheHints,
  requestState: option.group(REQUEST_STATE_OPTIONS),
  redis: option.optional<McpServerOptions["redis"]>(),
  bus: option.methods<Bus>("listen", "broadcast", "send"),
  sessionStore: option.methods<SessionStore>("create", "use"),
  tasks: option.group(TASK_OPTIONS),
  audit: option.ifGiven(readAudit),
  health: option.group(HEALTH_OPTIONS),
  tracing: option.optional<McpServerOptions["tracing"]>(),
  watchdog: option.unlessFalse(
    option.group(WATCHDOG_SETTINGS satisfies OptionRules<WatchdogSettings>),
  ),
  slowMs: option.timeoutMs(1_000),
  logIntervalMs: option.durationMs(10_000),
  pageSize: option.limit(Infinity, 1),
  maxSubscriptions: option.limit(10_000, 0),
  maxDepth: option.integer(64, 1, 1_000),
  maxResultBytes: option.limit(Infinity, 1),
  maxToolInputElements: option.limit(100_000, 1),
} satisfies OptionRules<McpServerOptions & HttpOptions & AdminOptions>;

/** Options with their defaults filled in. */
export type ResolvedOptions = ReadOptions<typeof SERVER_OPTIONS>;

/** @throws {InvalidOptionError} naming the option */
export function resolveOptions(
  options: McpServerOptions & HttpOptions & AdminOptions,
): ResolvedOptions {
  return readOptions("McpServer", options, SERVER_OPTIONS);
}

/** @throws {InvalidOptionError} for a server without a name or a version */
export function checkInfo(info: Implementation): void {
  for (const name of ["name", "version"] as const) {
    checkName(`the server's ${name}`, info?.[name]);
  }
  checkText("the server's title", info.title);
}

function readImplied(name: string, given: unknown = {}): ImpliedScopes {
  for (const [scope, implied] of Object.entries(given as ImpliedScopes)) {
    readScopes(`${name}.${scope}`, implied);
  }
  return given as ImpliedScopes;
}

/** Those that are none of ours are passed over: the SDK's list has a draft's, too. */
function readRevisions(
  name: string,
  revisions: unknown = SUPPORTED_REVISIONS,
): readonly string[] {
  const spoken = Array.isArray(revisions)
    ? revisions.filter((each) => SUPPORTED_REVISIONS.includes(each))
    : [];
  if (spoken.length > 0) return spoken;
  throw new InvalidOptionError(
    `${name} must name at least one of ` +
      `${SUPPORTED_REVISIONS.join(", ")}, got ${quote(revisions)}`,
  );
}

/** Keys that request states are signed and verified with; none if none is given. */
export function stateKeys(
  { requestState: { key, keys } }: ResolvedOptions,
): readonly (Uint8Array | string)[] {
  if (keys === undefined) return key === undefined || key === null ? [] : [key];
  if (key === undefined && Array.isArray(keys) && keys.length > 0) return keys;
  throw new InvalidOptionError(
    "requestState.keys must be an array of at least one key, without " +
      `requestState.key beside it, got ${quote(keys)}`,
  );
}

import { type Clock, systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import {
  option,
  type OptionRules,
  readEach,
  type ReadOptions,
} from "../base/option_rules.ts";
import { checkDurationMs, quote } from "../base/options.ts";
import { SUPPORTED_REVISIONS } from "../protocol/revision.ts";
import { admissionLimits } from "../server/admission/admission_options.ts";
import { checkExtensions } from "../server/extension_check.ts";
import { identityOf } from "../server/identity/caller.ts";
import { checkScopes } from "../server/identity/guard.ts";
import type { ImpliedScopes } from "../server/identity/callers.ts";
import type { LogSink } from "../observe/log/log.ts";
import type { McpServerOptions } from "./server_options.ts";

const RESOLVED = {
  lifespan: option.function<McpServerOptions["lifespan"]>(undefined),
  identify: option.function(identityOf),
  log: option.function<LogSink | undefined>(undefined),
  metrics: option.flag(true),
  maskErrors: option.flag(false),
  revealUrls: option.flag(false),
  identifyInResults: option.flag(true),
  scopes: option.any<readonly string[]>([]),
  implies: option.any<ImpliedScopes>({}),
  clock: option.any<Clock>(systemClock),
  admission: (_, given) =>
    admissionLimits(given as McpServerOptions["admission"]),
  extensions: (_, given) =>
    checkExtensions(given as McpServerOptions["extensions"]),
  supportedProtocolVersions: readRevisions,
  slowMs: option.timeoutMs(1_000),
  logIntervalMs: option.durationMs(10_000),
  pageSize: option.limit(Infinity, 1),
  maxSubscriptions: option.limit(10_000, 0),
  maxDepth: option.integer(64, 1, 1_000),
  maxResultBytes: option.limit(Infinity, 1),
  maxToolInputElements: option.limit(100_000, 1),
} satisfies Partial<OptionRules<McpServerOptions>>;

/** Options with their defaults filled in. */
export type ResolvedOptions =
  & Omit<McpServerOptions, keyof typeof RESOLVED>
  & ReadOptions<typeof RESOLVED>;

const DEFAULT_STATE_TTL_MS = 600_000;

/** @throws {InvalidOptionError} naming the option */
export function resolveOptions(options: McpServerOptions): ResolvedOptions {
  checkScopes("scopes", options.scopes);
  for (const [scope, implied] of Object.entries(options.implies ?? {})) {
    checkScopes(`implies.${scope}`, implied);
  }
  checkReadiness(options.health?.readiness);
  return { ...options, ...readEach(options, RESOLVED) };
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

function checkReadiness(readiness: unknown): void {
  if ([undefined, "lifespan", "checks"].includes(readiness as string)) return;
  throw new InvalidOptionError(
    `health.readiness must be "lifespan" or "checks", got ${quote(readiness)}`,
  );
}

/** Keys that request states are signed and verified with; none if none is given. */
export function stateKeys(
  { requestState: { key, keys } = {} }: McpServerOptions,
): readonly (Uint8Array | string)[] {
  if (keys === undefined) return key === undefined || key === null ? [] : [key];
  if (key === undefined && Array.isArray(keys) && keys.length > 0) return keys;
  throw new InvalidOptionError(
    "requestState.keys must be an array of at least one key, without " +
      `requestState.key beside it, got ${quote(keys)}`,
  );
}

/** Time for which a sealed request state is good. */
export function stateTtlMs({ requestState }: McpServerOptions): number {
  return checkDurationMs(
    "requestState.ttlMs",
    requestState?.ttlMs ?? DEFAULT_STATE_TTL_MS,
    1,
  );
}

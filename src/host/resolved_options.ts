import { systemClock } from "../base/clock.ts";
import { InvalidOptionError } from "../base/errors.ts";
import {
  checkDurationMs,
  checkFlag,
  checkFunction,
  checkInteger,
  checkLimit,
  checkTimeoutMs,
  quote,
} from "../base/options.ts";
import { SUPPORTED_REVISIONS } from "../protocol/revision.ts";
import {
  type AdmissionLimits,
  admissionLimits,
} from "../server/admission/admission_options.ts";
import { checkExtensions } from "../server/extension_check.ts";
import { identityOf } from "../server/identity/caller.ts";
import { checkScopes } from "../server/identity/guard.ts";
import type { McpServerOptions } from "./server_options.ts";

/** Options with their defaults filled in. */
export type ResolvedOptions =
  & Omit<McpServerOptions, "admission">
  & { readonly admission: AdmissionLimits }
  & Required<
    Pick<
      McpServerOptions,
      | "extensions"
      | "pageSize"
      | "maxSubscriptions"
      | "maxDepth"
      | "maxToolInputElements"
      | "maxResultBytes"
      | "maskErrors"
      | "revealUrls"
      | "identifyInResults"
      | "identify"
      | "scopes"
      | "implies"
      | "metrics"
      | "slowMs"
      | "logIntervalMs"
      | "supportedProtocolVersions"
      | "clock"
    >
  >;

const DEFAULT_STATE_TTL_MS = 600_000;

/** @throws {InvalidOptionError} naming the option */
export function resolveOptions(options: McpServerOptions): ResolvedOptions {
  for (const name of ["lifespan", "identify", "log"] as const) {
    checkFunction(name, options[name]);
  }
  for (
    const name of [
      "metrics",
      "maskErrors",
      "revealUrls",
      "identifyInResults",
    ] as const
  ) checkFlag(name, options[name]);
  checkScopes("scopes", options.scopes);
  for (const [scope, implied] of Object.entries(options.implies ?? {})) {
    checkScopes(`implies.${scope}`, implied);
  }
  checkReadiness(options.health?.readiness);
  return {
    maskErrors: false,
    revealUrls: false,
    identifyInResults: true,
    identify: identityOf,
    scopes: [],
    implies: {},
    metrics: true,
    clock: systemClock,
    ...options,
    admission: admissionLimits(options.admission),
    extensions: checkExtensions(options.extensions),
    supportedProtocolVersions: checkRevisions(
      options.supportedProtocolVersions ?? SUPPORTED_REVISIONS,
    ),
    slowMs: checkTimeoutMs("slowMs", options.slowMs ?? 1_000),
    logIntervalMs: checkDurationMs(
      "logIntervalMs",
      options.logIntervalMs ?? 10_000,
    ),
    pageSize: checkLimit("pageSize", options.pageSize ?? Infinity, 1),
    maxSubscriptions: checkLimit(
      "maxSubscriptions",
      options.maxSubscriptions ?? 10_000,
      0,
    ),
    maxDepth: checkInteger("maxDepth", options.maxDepth ?? 64, 1, 1_000),
    maxResultBytes: checkLimit(
      "maxResultBytes",
      options.maxResultBytes ?? Infinity,
      1,
    ),
    maxToolInputElements: checkLimit(
      "maxToolInputElements",
      options.maxToolInputElements ?? 100_000,
      1,
    ),
  };
}

/** Those that are none of ours are passed over: the SDK's list has a draft's, too. */
function checkRevisions(revisions: readonly string[]): readonly string[] {
  const spoken = Array.isArray(revisions)
    ? revisions.filter((each) => SUPPORTED_REVISIONS.includes(each))
    : [];
  if (spoken.length > 0) return spoken;
  throw new InvalidOptionError(
    "supportedProtocolVersions must name at least one of " +
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

import {
  InvalidParamsError,
  UnsupportedProtocolVersionError,
} from "../../protocol/protocol_errors.ts";
import {
  isObject,
  isRequestId,
  type JsonObject,
} from "../../protocol/jsonrpc.ts";
import { metaKey, MODERN_REVISION } from "../../protocol/revision.ts";
import type { LoggingLevel } from "../../protocol/types.ts";

/** The syslog levels (RFC 5424), least severe first. */
export const LOG_LEVELS: readonly LoggingLevel[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

/**
 * Checks the fields that every modern request carries in `_meta`.
 *
 * @throws {InvalidParamsError} naming the field
 */
export function checkMeta(params: JsonObject): void {
  const meta = params._meta;
  if (!isObject(meta)) {
    throw new InvalidParamsError("Invalid params: _meta is required");
  }
  if (typeof meta[metaKey.protocolVersion] !== "string") {
    throw invalidMeta(metaKey.protocolVersion, "is required, as a string");
  }
  if (!isObject(meta[metaKey.clientCapabilities])) {
    throw invalidMeta(metaKey.clientCapabilities, "is required, as an object");
  }
  const clientInfo = meta[metaKey.clientInfo];
  if (clientInfo !== undefined && !isObject(clientInfo)) {
    throw invalidMeta(metaKey.clientInfo, "must be an object");
  }
  const logLevel = meta[metaKey.logLevel];
  if (
    logLevel !== undefined && !LOG_LEVELS.includes(logLevel as LoggingLevel)
  ) {
    throw invalidMeta(
      metaKey.logLevel,
      `must be one of ${LOG_LEVELS.join(", ")}`,
    );
  }
  checkProgressToken(meta);
}

/** @throws {UnsupportedProtocolVersionError} for a revision that isn't spoken here */
export function checkRevision(
  claimed: unknown,
  revisions: readonly string[],
): void {
  if (claimed === MODERN_REVISION && revisions.includes(claimed)) return;
  throw new UnsupportedProtocolVersionError(
    typeof claimed === "string" ? claimed : JSON.stringify(claimed),
    revisions,
  );
}

/** @throws {InvalidParamsError} if there is a token that is none */
export function checkProgressToken(meta: unknown): void {
  if (!isObject(meta)) return;
  const { progressToken } = meta;
  if (progressToken !== undefined && !isRequestId(progressToken)) {
    throw invalidMeta("progressToken", "must be a string or a whole number");
  }
}

function invalidMeta(key: string, why: string): InvalidParamsError {
  return new InvalidParamsError(`Invalid params: _meta["${key}"] ${why}`);
}

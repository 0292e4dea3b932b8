import {
  ProtocolError,
  ProtocolErrorCode,
  RefusedError,
} from "../../../protocol/protocol_errors.ts";
import { LEGACY_REVISIONS } from "../../../protocol/revision.ts";
import { refusal } from "../http_response.ts";

/** The answer where what replicas share of a session can't be reached. */
export const UNAVAILABLE: RefusedError = new RefusedError(
  "unavailable",
  1_000,
);

/** The error that legacy clients know for whatever goes wrong around a request. */
export function legacyError(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.ConnectionClosed, message);
}

/** 405, naming the methods there are. */
export function methodNotAllowed(allow: string): Response {
  return refusal(405, legacyError("Method not allowed."), null, { allow });
}

/** 400 for a revision that the legacy era doesn't have; `undefined` for one that it has. */
export function unsupportedVersion(
  version: string | null,
  revisions: readonly string[],
): Response | undefined {
  if (
    version === null ||
    (LEGACY_REVISIONS.includes(version) && revisions.includes(version))
  ) return undefined;
  return refusal(
    400,
    legacyError(
      `Bad Request: Unsupported protocol version: ${version} ` +
        `(supported versions: ${revisions.join(", ")})`,
    ),
  );
}

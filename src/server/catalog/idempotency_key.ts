import { IdempotencyError } from "../../protocol/protocol_errors.ts";
import type { Call } from "../calls/call.ts";

/** The member of `_meta` that holds a call's key. */
export const IDEMPOTENCY_META = "io.sluice/idempotency-key";
/** The header that may hold it instead (draft-ietf-httpapi-idempotency-key-header). */
const IDEMPOTENCY_HEADER = "idempotency-key";

/**
 * The key that a call carries; `undefined` for none.
 *
 * @throws {IdempotencyError} for one that is none, or two that differ
 */
export function idempotencyKeyOf({ meta, reply }: Call): string | undefined {
  const inMeta = meta?.[IDEMPOTENCY_META];
  const header = reply.request?.headers.get(IDEMPOTENCY_HEADER);
  const inHeader = header === null || header === undefined
    ? undefined
    : unquoted(header);
  const key = inMeta ?? inHeader;
  if (key === undefined) return undefined;
  if (typeof key !== "string" || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new IdempotencyError("key_malformed");
  }
  if (inHeader !== undefined && inHeader !== key) {
    throw new IdempotencyError("key_ambiguous");
  }
  return key;
}

/** The draft has the key as a string of structured fields; many send it bare. */
function unquoted(header: string): string {
  const string = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  return string === null ? header : string[1].replace(/\\(.)/g, "$1");
}

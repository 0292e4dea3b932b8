import type { RequestId } from "../../../protocol/types.ts";

/** Length of the ids that a stream's name has room for. */
const MAX_IDS = 200;

/** What the name of a stream says of it, to replicas that did not open it. */
export interface StreamName {
  /** The session that it belongs to. */
  readonly session: string;
  /** The member of the bus that runs what it is the answer to; "" for none. */
  readonly member: string;
  /** The requests that it answers; none for a standing stream. */
  readonly requests: readonly RequestId[];
}

/** Makes a name for a stream that other replicas can go on with. */
export function nameStream(
  { session, member, requests }: StreamName,
  unique: string,
): string {
  const ids = encodeURIComponent(JSON.stringify(requests))
    .replaceAll("~", "%7E");
  return [session, member, ids.length > MAX_IDS ? "" : ids, unique].join("~");
}

/** What a name says; `undefined` if it is none of ours. */
export function readStreamName(name: string): StreamName | undefined {
  const [session, member, ids, unique] = name.split("~");
  if (unique === undefined) return undefined;
  try {
    const requests = ids === "" ? [] : JSON.parse(decodeURIComponent(ids));
    return { session, member, requests };
  } catch {
    return undefined;
  }
}

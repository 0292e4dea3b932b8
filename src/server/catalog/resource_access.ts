import type { Variables } from "../../protocol/uri_template.ts";
import {
  admits,
  allows,
  demandAllowed,
  type Kept,
} from "../calls/access_check.ts";
import type { Call } from "../calls/call.ts";

/**
 * Lets a call on to what is read at a URI.
 *
 * @returns what rejects if the author's predicate denies it
 * @throws {ProtocolError} for who may not read it
 */
export function enterResource(
  call: Call,
  { item: { guard }, owner }: Kept,
  uri: string,
  variables: Variables,
): Promise<void> | undefined {
  if (!admits(call, guard, owner)) throw call.era.resourceNotFound(uri);
  return demandAllowed(call, guard, variables, "resource", uri);
}

/**
 * Tells if a caller may follow the changes of what is read at a URI.
 *
 * @throws {InsufficientScopeError}
 */
export async function mayFollow(
  call: Call,
  { item: { guard }, owner }: Kept,
  variables: Variables,
): Promise<boolean> {
  return admits(call, guard, owner) &&
    (guard === undefined || await allows(call, guard, variables));
}

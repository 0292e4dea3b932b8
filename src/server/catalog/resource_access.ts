import type {
  InputRequiredResult,
  ReadResourceResult,
} from "../../protocol/types.ts";
import type { Variables } from "../../protocol/uri_template.ts";
import {
  admits,
  allows,
  demandAllowed,
  type Kept,
} from "../calls/access_check.ts";
import type { Call } from "../calls/call.ts";
import type { Guard } from "../identity/guard.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import { toReadResult } from "./resource.ts";
import type { FoundResource } from "./resource_source.ts";

/**
 * Lets a call on to what is read at a URI.
 *
 * @returns what rejects if the author's predicate denies it
 * @throws {ProtocolError} for who may not read it
 */
export function enterResource(
  call: Call,
  { item: { guard }, scopes }: Kept,
  uri: string,
  variables: Variables,
): Promise<void> | undefined {
  if (!admits(call, guard, scopes)) throw call.era.resourceNotFound(uri);
  return demandAllowed(call, guard, variables, "resource", uri);
}

/**
 * What comes of following a resource: its updates; a refusal; or nothing, for what
 * is hidden must look like what isn't there, and that may be followed.
 */
export type Following = "open" | "denied" | "hidden";

/**
 * Tells if a caller may follow the changes of what is read at a URI.
 *
 * @throws {InsufficientScopeError}
 */
export async function mayFollow(
  call: Call,
  { item: { guard }, scopes }: Kept,
  variables: Variables,
): Promise<Following> {
  if (!admits(call, guard, scopes)) return "hidden";
  return guard === undefined || await allows(call, guard, variables)
    ? "open"
    : "denied";
}

/** The result of a read, as the era of its call has it. */
export function finishRead(
  value: unknown,
  uri: string,
  { metadata, cacheHint, guard }:
    & Pick<FoundResource, "metadata" | "cacheHint">
    & { guard?: Guard },
  { era }: Call,
): ReadResourceResult | InputRequiredResult {
  const result = toReadResult(value, uri, metadata.mimeType);
  return isInputRequiredResult(result) ? result : era.readResult(
    result,
    // What is not for everybody must not be shared on the way.
    guard === undefined ? cacheHint : { ...cacheHint, cacheScope: "private" },
  );
}

import { quote } from "../base/options.ts";
import { handled, isThenable } from "../base/thenable.ts";
import { isObject, type JsonObject } from "../protocol/jsonrpc.ts";
import type { Middleware } from "./calls/middleware.ts";
import { STAYS_OPEN } from "./calls/reply.ts";
import type { Era } from "../protocol/revision.ts";
import type { Extension, ToolInCall } from "./extension.ts";
import type { ServerContext } from "./server_context.ts";

/** Holds what a topic has agreed to to what it may be. @throws {TypeError} */
export function agreedKeys(
  id: string,
  topic: string,
  agreed: unknown,
): readonly string[] {
  const isKeys = Array.isArray(agreed) &&
    agreed.every((key) => typeof key === "string");
  if (isKeys) return agreed;
  throw breach(id, `topics.${topic} must return an array of strings`, agreed);
}

/** Tells if an extension has a part in an era. */
export function isPartOf(
  { active = true, eras }: Extension,
  era: Era,
): boolean {
  return active && eras?.includes(era) !== false;
}

/** Has an extension look at a tool, which must be over at once. @throws {TypeError} */
export function lookAtTool(
  extension: Extension,
  tool: ToolInCall,
  ctx: ServerContext,
): void {
  const outcome: unknown = extension.beforeTool!(tool, ctx);
  if (!isThenable(outcome)) return;
  handled(Promise.resolve(outcome));
  throw breach(extension.id, "beforeTool must not be async", outcome);
}

/** An extension's middleware, held to answering. @throws {TypeError} */
export function aroundOf({ id, around }: Extension): Middleware | undefined {
  return around && (async (request, next) => {
    const result: unknown = await around(request, next);
    if (isObject(result) || result === STAYS_OPEN) return result as JsonObject;
    throw breach(id, "around must return a result", result);
  });
}

function breach(id: string, rule: string, value: unknown): TypeError {
  return new TypeError(`extension ${id}: ${rule}, got ${quote(value)}`);
}

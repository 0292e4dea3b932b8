import { InvalidOptionError } from "../base/errors.ts";
import { checkFunction, quote } from "../base/options.ts";
import { handled, isThenable } from "../base/thenable.ts";
import { isObject, type JsonObject } from "../protocol/jsonrpc.ts";
import type { Middleware } from "./calls/middleware.ts";
import { STAYS_OPEN } from "./calls/reply.ts";
import type { Extension } from "./extension.ts";

/**
 * Refuses an extension whose members are not what they should be.
 *
 * @throws {InvalidOptionError} naming the extension and the member
 */
export function checkExtension(extension: Extension): void {
  if (!isObject(extension) || typeof extension.id !== "string") {
    throw new InvalidOptionError(
      `an extension must be an object with an id, got ${quote(extension)}`,
    );
  }
  const { id, methods = {}, topics = {}, beforeTool, around, attach } =
    extension;
  const functions = {
    beforeTool,
    around,
    attach,
    ...prefixed("methods", methods),
    ...prefixed("topics", topics),
  };
  for (const [name, value] of Object.entries(functions)) {
    checkFunction(`extension ${id}: ${name}`, value);
  }
}

function prefixed(what: string, members: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [`${what}.${name}`, value]),
  );
}

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

/** An extension's look at a tool, held to be over at once: nobody waits. @throws {TypeError} */
export function beforeToolOf(
  { id, beforeTool }: Extension,
): NonNullable<Extension["beforeTool"]>[] {
  if (beforeTool === undefined) return [];
  return [(tool, ctx) => {
    const outcome: unknown = beforeTool(tool, ctx);
    if (!isThenable(outcome)) return;
    handled(Promise.resolve(outcome));
    throw breach(id, "beforeTool must not be async", outcome);
  }];
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

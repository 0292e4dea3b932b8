import type { StandardSchema } from "../../protocol/standard_schema.ts";
import type { ServerContext } from "../server_context.ts";

/**
 * Suggests values for an argument, given what is typed, the other arguments, and
 * what every handler is given.
 */
export type CompleteCallback<Lifespan = unknown> = (
  value: string,
  context: { arguments?: Record<string, string> } | undefined,
  ctx: ServerContext<Lifespan>,
) => string[] | Promise<string[]>;

const completers: WeakMap<object, CompleteCallback> = new WeakMap();

/**
 * Gives a prompt argument's schema a completer.
 *
 * @example
 * ```ts
 * import { completable, McpServer } from "@sluice/mcp";
 * import { z } from "zod";
 *
 * const server = new McpServer({ name: "reviewer", version: "1.0.0" });
 * server.registerPrompt("review", {
 *   argsSchema: z.object({
 *     language: completable(
 *       z.string(),
 *       (typed) => ["go", "rust", "zig"].filter((each) => each.startsWith(typed)),
 *     ),
 *   }),
 * }, ({ language }) => `Review this ${language} code.`);
 * ```
 */
export function completable<Schema extends StandardSchema>(
  schema: Schema,
  complete: CompleteCallback,
): Schema {
  completers.set(schema, complete);
  return schema;
}

/** The completer of a schema, also through `optional()` and its like. */
export function completerOf(schema: unknown): CompleteCallback | undefined {
  let current = schema;
  for (let depth = 0; depth < 8; depth++) {
    if (typeof current !== "object" || current === null) return undefined;
    const completer = completers.get(current);
    if (completer !== undefined) return completer;
    current = (current as { def?: { innerType?: unknown } }).def?.innerType;
  }
  return undefined;
}

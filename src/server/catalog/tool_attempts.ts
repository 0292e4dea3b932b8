import { InvalidOptionError } from "../../base/errors.ts";
import type { SchemaLike } from "../../protocol/schema.ts";
import type { ToolConfig } from "./tool_config.ts";

/**
 * How often the task of a tool may be begun; `undefined` for one that is not run
 * again.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function attemptsOf(
  name: string,
  { restartable, maxAttempts, cache }: ToolConfig<SchemaLike | undefined>,
): number | undefined {
  if (restartable !== true) {
    if (maxAttempts === undefined) return undefined;
    throw new InvalidOptionError(
      `tool ${name}: maxAttempts is for tools that are restartable`,
    );
  }
  if (cache !== undefined) {
    throw new InvalidOptionError(
      `tool ${name}: what goes on as a task has no result to cache: take ` +
        "restartable or cache",
    );
  }
  return maxAttempts ?? 3;
}

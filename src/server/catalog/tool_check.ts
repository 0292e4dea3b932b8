import {
  checkDurationMs,
  checkGroup,
  checkInteger,
  checkLimit,
  checkName,
  checkTimeoutMs,
  checkWord,
} from "../../base/options.ts";
import type { SchemaLike } from "../../protocol/schema.ts";
import type { ToolConfig } from "./tool_config.ts";

/**
 * Checks what limits a tool's calls.
 *
 * @throws {InvalidOptionError} naming the tool and the option
 */
export function checkToolLimits(
  where: string,
  config: ToolConfig<SchemaLike | undefined>,
): void {
  const { timeoutMs, slowMs, concurrency, maxWaiting } = config;
  const { maxResultBytes, execution } = config;
  checkDurationMs(`${where}: timeoutMs`, timeoutMs ?? 1, 1);
  checkTimeoutMs(`${where}: slowMs`, slowMs ?? Infinity);
  checkInteger(`${where}: concurrency`, concurrency ?? 1, 1);
  checkLimit(`${where}: maxWaiting`, maxWaiting ?? Infinity, 0);
  checkLimit(`${where}: maxResultBytes`, maxResultBytes ?? Infinity, 1);
  checkGroup(`${where}: execution`, execution, { taskSupport: true });
  checkWord(
    `${where}: execution.taskSupport`,
    execution?.taskSupport ?? "forbidden",
    ["forbidden", "optional", "required"],
  );
}

export function checkToolName(
  name: string,
  warn: (message: string) => void,
): string {
  checkName("a tool's name", name);
  if (!/^[\w./-]{1,128}$/.test(name)) {
    warn(
      `tool name ${JSON.stringify(name)} may not work with every client: use ` +
        `1 to 128 letters, digits, "_", "-", "." and "/"`,
    );
  }
  return name;
}

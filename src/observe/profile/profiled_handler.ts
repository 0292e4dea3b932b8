import { option, type OptionRules } from "../../base/option_rules.ts";
import { InspectorSession } from "./inspector_session.ts";
import type { Log } from "../log/log.ts";
import { messageLog } from "../log/logger.ts";

/** The options of any handler that is profiled. */
export interface ProfiledHandlerOptions {
  /**
   * The name that profiles are given.
   * @default the handler's own name, or else that of the tool, prompt or resource
   */
  name?: string;
  /**
   * Is told, the first time, that nothing can be profiled here.
   * @default writes to stderr
   */
  log?: Log | ((message: string) => void);
}

/** How they are read. */
export const PROFILED_HANDLER_OPTIONS = {
  name: option.optional<string>(),
  log: option.optional<ProfiledHandlerOptions["log"]>(),
} satisfies OptionRules<ProfiledHandlerOptions>;

type AnyHandler<T> = (...args: unknown[]) => T | Promise<T>;

/**
 * The same handler with something taken of every call, or without where there
 * is no profiler.
 *
 * @param take Runs a call and hands on what it took of it.
 */
export function profiledHandler<A extends unknown[], T>(
  handler: (...args: A) => T | Promise<T>,
  { name, log: option }: ProfiledHandlerOptions,
  take: (call: () => T | Promise<T>, name: string) => Promise<T>,
): (...args: A) => Promise<T> {
  const log = messageLog(option);
  let warned = false;
  return async (...args) => {
    const shown = name ?? (handler.name || subjectOf(args.at(-1)));
    // A bound function has no frame of its own that a profile would show.
    const call = (handler as AnyHandler<T>).bind(undefined, ...args);
    const why = await InspectorSession.unavailable();
    if (why === undefined) return await take(call, shown);
    if (!warned) {
      log.warning(`${shown} runs without a profile: ${why.message}`);
    }
    warned = true;
    return await call();
  };
}

/** Reads the name off a server's context, which is a handler's last argument. */
function subjectOf(ctx: unknown): string {
  const { subject } = (ctx ?? {}) as { subject?: unknown };
  return typeof subject === "string" ? subject : "handler";
}

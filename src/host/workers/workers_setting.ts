import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { checkInteger, quote } from "../../base/options.ts";

/** Settings for the processes that serve one port together. */
export interface WorkersOptions {
  /** The number of processes; `"auto"` for one a core. With 1 there is no supervisor. */
  count: number | "auto";
  /**
   * Milliseconds after which a worker whose event loop hasn't turned is killed and
   * replaced.
   * @default 30000
   */
  maxSilenceMs?: number;
  /**
   * Flags of `deno run` for the workers; `--unstable-net` is added.
   * @default those of this process where all is allowed to it on Linux, else the
   * permissions that it has without bounds
   */
  flags?: readonly string[];
}

/** The setting, with its defaults. */
export type ResolvedWorkers =
  & Readonly<Omit<WorkersOptions, "count" | "maxSilenceMs">>
  & { readonly count: number; readonly maxSilenceMs: number };

const WORKERS_OPTIONS = {
  count: option.optional<WorkersOptions["count"]>(),
  maxSilenceMs: option.durationMs(30_000, 1_000),
  flags: readFlags,
} satisfies OptionRules<WorkersOptions>;

/**
 * Checks the option `workers`; `undefined` for a process that serves alone.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function resolveWorkers(
  name: string,
  given: unknown = 1,
): ResolvedWorkers | undefined {
  const isGroup = typeof given === "object" && given !== null;
  const options = isGroup ? given : { count: given };
  const read = readOptions(name, options, WORKERS_OPTIONS, `${name}.`);
  const count = checkCount(isGroup ? `${name}.count` : name, read.count);
  return count === 1 ? undefined : { ...read, count };
}

function checkCount(name: string, count: unknown): number {
  if (count === "auto") return navigator.hardwareConcurrency;
  if (typeof count === "number") return checkInteger(name, count, 1, 1_024);
  throw new InvalidOptionError(
    `${name} must be a number or "auto", got ${quote(count)}`,
  );
}

function readFlags(name: string, flags: unknown): WorkersOptions["flags"] {
  const valid = flags === undefined ||
    Array.isArray(flags) && flags.every((flag) => /^-/.test(flag));
  if (valid) return flags;
  throw new InvalidOptionError(
    `${name} must be flags such as "--allow-net", got ${quote(flags)}`,
  );
}

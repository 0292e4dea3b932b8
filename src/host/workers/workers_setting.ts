import { InvalidOptionError } from "../../base/errors.ts";
import {
  checkDurationMs,
  checkInteger,
  checkKnown,
  quote,
} from "../../base/options.ts";

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

const KNOWN: Readonly<Record<keyof WorkersOptions, true>> = {
  count: true,
  maxSilenceMs: true,
  flags: true,
};

/**
 * Checks the option `workers`; `undefined` for a process that serves alone.
 *
 * @throws {InvalidOptionError} naming the option
 */
export function resolveWorkers(
  given: number | "auto" | WorkersOptions = 1,
): ResolvedWorkers | undefined {
  const isGroup = typeof given === "object" && given !== null;
  const options = isGroup ? given : { count: given };
  checkKnown("workers", options, KNOWN);
  const { maxSilenceMs = 30_000, flags } = options;
  const resolved = {
    count: checkCount(isGroup ? "workers.count" : "workers", options.count),
    maxSilenceMs: checkDurationMs("workers.maxSilenceMs", maxSilenceMs, 1_000),
    flags: checkFlags(flags),
  };
  return resolved.count === 1 ? undefined : resolved;
}

function checkCount(name: string, count: WorkersOptions["count"]): number {
  if (count === "auto") return navigator.hardwareConcurrency;
  if (typeof count === "number") return checkInteger(name, count, 1, 1_024);
  throw new InvalidOptionError(
    `${name} must be a number or "auto", got ${quote(count)}`,
  );
}

function checkFlags(flags: WorkersOptions["flags"]): WorkersOptions["flags"] {
  const valid = flags === undefined ||
    Array.isArray(flags) && flags.every((flag) => /^-/.test(flag));
  if (valid) return flags;
  throw new InvalidOptionError(
    `workers.flags must be flags such as "--allow-net", got ${quote(flags)}`,
  );
}

import { abortable } from "../../base/abort.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { CpuProfile } from "./cpu_profile.ts";
import { CpuRecording } from "./cpu_recording.ts";
import {
  PROFILED_HANDLER_OPTIONS,
  profiledHandler,
  type ProfiledHandlerOptions,
} from "./profiled_handler.ts";
import { SourcePositions } from "./source_position.ts";
import { splicedProfile } from "./profile_cut.ts";

/** The options of {@linkcode profile}. */
export interface ProfileOptions {
  /**
   * The time between two looks at what is running, in microseconds.
   * @default 1000
   */
  intervalUs?: number;
  /**
   * The longest recording, in milliseconds; the function may take longer.
   * @default 60000
   */
  maxMs?: number;
  /** Ends the recording and rejects with the signal's reason; the function goes on. */
  signal?: AbortSignal;
  /**
   * The source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const RECORDING_OPTIONS = {
  intervalUs: option.integer(1_000, 50),
  maxMs: option.durationMs(60_000, 1),
  clock: option.any<Clock>(systemClock),
};

const PROFILE_OPTIONS = {
  ...RECORDING_OPTIONS,
  signal: option.signal,
} satisfies OptionRules<ProfileOptions>;

/** The result of {@linkcode profile}. */
export interface Profiled<T> {
  /** The value that the function returned. */
  result: T;
  /** A record of what ran meanwhile. */
  profile: CpuProfile;
}

/**
 * Runs a function and records what uses the CPU meanwhile. Its error, if it
 * throws one, is thrown on when the recording has ended.
 *
 * Everything that runs in this thread is recorded: while an asynchronous
 * function waits, that is what else there is to do. Several profiles may be
 * taken at once; each has its own recording, and sees the functions of all.
 * To begin one stops the thread for some 10 to 100 ms, the more code the longer.
 * A function that V8 has built into its caller counts as a part of that.
 *
 * @throws {ProfilerUnavailableError} without `--allow-sys`; the
 * function has then not been called.
 * @throws {InvalidOptionError} when an option is refused.
 *
 * @example
 * ```ts
 * import { profile } from "@sluice/mcp";
 *
 * const text = "[" + "1,".repeat(1_000_000) + "1]";
 * const { result, profile: cpu } = await profile(() => JSON.parse(text));
 * console.log(result.length, cpu.table());
 * ```
 */
export async function profile<T>(
  fn: () => T | Promise<T>,
  options: ProfileOptions = {},
): Promise<Profiled<T>> {
  const { intervalUs, maxMs, signal, clock } = readOptions(
    "profile",
    options,
    PROFILE_OPTIONS,
  );
  signal?.throwIfAborted();
  const positions = await SourcePositions.load();
  using recording = await CpuRecording.start(intervalUs);
  // Its own frame would head the table of whatever it calls.
  const own = await recording.locate(profile);
  signal?.throwIfAborted();
  let cut: ReturnType<CpuRecording["stop"]> | undefined;
  const timer = clock.setTimeout(() => {
    cut = recording.stop();
    cut.catch(() => {});
  }, maxMs);
  try {
    recording.skip();
    const result = await abortable(Promise.try(fn), signal);
    const json = await (cut ?? recording.stop());
    const shown = own === undefined ? json : splicedProfile(json, own);
    return { result, profile: new CpuProfile(shown, positions) };
  } finally {
    clock.clearTimeout(timer);
  }
}

/** The options of {@linkcode profiled}. */
export interface ProfiledOptions
  extends Omit<ProfileOptions, "signal">, ProfiledHandlerOptions {
  /**
   * Is given the profile of every call that returned.
   * @default prints the 20 functions that took the most time to stderr
   */
  onProfile?: (profile: CpuProfile, name: string) => void;
}

const PROFILED_OPTIONS = {
  ...RECORDING_OPTIONS,
  ...PROFILED_HANDLER_OPTIONS,
  onProfile: option.function(printProfile),
} satisfies OptionRules<ProfiledOptions>;

/**
 * The same handler, profiled at every call: one tool under the microscope.
 * Calls that overlap each have a profile, which also shows the others.
 * Without the permission to profile (`--allow-sys`) calls run all the same, and
 * the first says that there is no profile.
 *
 * @example
 * ```ts
 * import { McpServer, profiled } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "reports", version: "1.0.0" });
 * server.registerTool("report", {}, profiled(() => "the report"));
 * ```
 */
export function profiled<A extends unknown[], T>(
  handler: (...args: A) => T | Promise<T>,
  options: ProfiledOptions = {},
): (...args: A) => Promise<T> {
  const { onProfile, name, log, ...recording } = readOptions(
    "profiled",
    options,
    PROFILED_OPTIONS,
  );
  return profiledHandler(handler, { name, log }, async (call, shown) => {
    const { result, profile: taken } = await profile(call, recording);
    onProfile(taken, shown);
    return result;
  });
}

function printProfile(profile: CpuProfile, name: string): void {
  console.error(`${name}: ${profile.table(20)}`);
}

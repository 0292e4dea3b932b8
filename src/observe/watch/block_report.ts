import type { BlockedCode } from "./block_profiler.ts";
import type { Suspicion } from "./block_suspects.ts";
import { locationText, nameOf } from "../profile/source_position.ts";

/**
 * The way in which a block's name was found: the work's own run was `"measured"`, which is
 * certain only if the process used the CPU meanwhile; the
 * `"profile"` shows its handler on the stack; it alone was in progress and
 * `"ended"` with the block; or not at all.
 */
export type BlockEvidence = "measured" | "profile" | "ended" | "none";

/** A block of the event loop, as far as it is known. */
export interface BlockReport {
  /** The work that did it, such as a tool; without it, nothing is known to have. */
  name?: string;
  /** Set if the name is sure; otherwise it is likely. */
  certain: boolean;
  /** The way in which the name was found. */
  evidence: BlockEvidence;
  /**
   * The time for which nothing else could run, in whole milliseconds; if it was not
   * measured, up to the watchdog's interval too little.
   */
  blockedMs: number;
  /**
   * The CPU time that the process used meanwhile, in whole milliseconds: little
   * means a synchronous wait, or a process that was suspended.
   */
  cpuMs?: number;
  /** The function that ran, if the profiler saw it. */
  function?: string;
  /** The place of that function: address, line and column. */
  location?: string;
  /** The names of all work in progress that can have done it. */
  inProgress: string[];
}

/** The counts of a `Watchdog`. */
export interface WatchdogStats {
  /** The number of blocks. */
  blocks: number;
  /** Their length in all, in milliseconds. */
  blockedMs: number;
  /** The number of those without a certain name. */
  uncertain: number;
  /** The others, by name. */
  byName: Map<string, BlockCount>;
  /**
   * Those of the uncertain ones during which one name alone was in progress, by
   * that name: likely its doing, but a timer or a listener can block as well.
   */
  suspected: Map<string, BlockCount>;
}

/** The blocks of some work. */
export interface BlockCount {
  /** The number of blocks. */
  blocks: number;
  /** Their length in all, in milliseconds. */
  blockedMs: number;
}

/** A process that used less CPU than this share of the time may have been suspended. */
const MIN_CPU_SHARE = 0.1;

/** Puts together what is known of a block. */
export function reportOf(
  suspicion: Suspicion,
  cpuMs: number | undefined,
  seen: BlockedCode | undefined,
): BlockReport {
  const { from, to, suspects } = suspicion;
  const ran = hasRun(cpuMs, to - from);
  const { frame } = seen ?? {};
  return {
    ...verdict(suspicion, seen?.name, ran),
    blockedMs: Math.round(to - from),
    ...(cpuMs !== undefined && { cpuMs: Math.round(cpuMs) }),
    ...(frame !== undefined && {
      function: nameOf(frame),
      location: locationText(frame),
    }),
    inProgress: suspects,
  };
}

/** Finds whom a block that has no certain name is counted with, if there is one only. */
export function suspectOf(
  { name, inProgress, cpuMs, blockedMs }: BlockReport,
): string | undefined {
  if (name !== undefined) return name;
  return inProgress.length === 1 && hasRun(cpuMs, blockedMs)
    ? inProgress[0]
    : undefined;
}

/** Adds a block to those of the same name. */
export function countBlock(
  counts: Map<string, BlockCount>,
  name: string,
  blockedMs: number,
): void {
  const own = counts.get(name) ?? { blocks: 0, blockedMs: 0 };
  counts.set(name, own);
  own.blocks++;
  own.blockedMs += blockedMs;
}

function hasRun(cpuMs: number | undefined, blockedMs: number): boolean {
  return cpuMs === undefined || cpuMs >= blockedMs * MIN_CPU_SHARE;
}

function verdict(
  { measured, likely }: Suspicion,
  profiled: string | undefined,
  ran: boolean,
): Pick<BlockReport, "name" | "certain" | "evidence"> {
  if (measured !== undefined) {
    return { name: measured, certain: ran, evidence: "measured" };
  }
  if (profiled !== undefined) {
    return { name: profiled, certain: true, evidence: "profile" };
  }
  return likely !== undefined && ran
    ? { name: likely, certain: false, evidence: "ended" }
    : { certain: false, evidence: "none" };
}

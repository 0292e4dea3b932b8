import type { BlockedCode } from "./block_profiler.ts";
import type { Suspicion } from "./block_suspects.ts";
import type { EventLoopBlock } from "./event_loop_lag.ts";
import { locationText, nameOf } from "../profile/source_position.ts";

/**
 * The way in which a block's name was found: the work's own run was `"measured"`; the
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
  /**
   * Set if the process hardly got the CPU: others had it, the process was
   * suspended, or it waited in a synchronous call. Then nothing is named.
   */
  starved: boolean;
  /** The way in which the name was found. */
  evidence: BlockEvidence;
  /**
   * The time for which nothing else could run, in whole milliseconds; if it was not
   * measured, up to the watchdog's interval too little.
   */
  blockedMs: number;
  /**
   * The CPU time that the process used meanwhile, in whole milliseconds, all of
   * its threads together.
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
  /** The number of blocks in which the process had the CPU. */
  blocks: number;
  /** Their length in all, in milliseconds. */
  blockedMs: number;
  /** The number of times that it hardly got the CPU, which are nobody's blocks. */
  starved: number;
  /** The length of those in all, in milliseconds. */
  starvedMs: number;
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

/** A process that got less CPU than this share of a block was starved. */
const STARVED_SHARE = 0.25;
/** Nobody is named for certain where it got less than this share. */
const CERTAIN_SHARE = 0.5;

/**
 * Works out how much of a block the process had the CPU for, from 0 to 1; all of
 * it, where the runtime doesn't tell.
 */
export function cpuShareOf(
  { cpuMs }: EventLoopBlock,
  suspicions: readonly Suspicion[],
): number {
  if (cpuMs === undefined) return 1;
  const blockedMs = suspicions.reduce(
    (sum, { from, to }) => sum + to - from,
    0,
  );
  return Math.min(1, cpuMs / blockedMs);
}

/** Tells whether the block was the want of CPU. */
export function isStarved(cpuShare: number): boolean {
  return cpuShare < STARVED_SHARE;
}

/** Puts together what is known of a block. */
export function reportOf(
  suspicion: Suspicion,
  { cpuMs, cpuShare }: { cpuMs: number | undefined; cpuShare: number },
  seen: BlockedCode | undefined,
): BlockReport {
  const { from, to, suspects } = suspicion;
  const { frame } = seen ?? {};
  return {
    ...verdict(suspicion, seen?.name, cpuShare >= CERTAIN_SHARE),
    starved: false,
    blockedMs: Math.round(to - from),
    ...cpuField(cpuMs),
    ...(frame !== undefined && {
      function: nameOf(frame),
      location: locationText(frame),
    }),
    inProgress: suspects,
  };
}

/** Reports that the process was starved, whoever was at work. */
export function starvationOf(
  { cpuMs }: EventLoopBlock,
  suspicions: readonly Suspicion[],
): BlockReport {
  const from = Math.min(...suspicions.map(({ from }) => from));
  const to = Math.max(...suspicions.map(({ to }) => to));
  return {
    certain: false,
    starved: true,
    evidence: "none",
    blockedMs: Math.round(to - from),
    ...cpuField(cpuMs),
    inProgress: [...new Set(suspicions.flatMap(({ suspects }) => suspects))]
      .sort(),
  };
}

function cpuField(cpuMs: number | undefined): { cpuMs?: number } {
  return cpuMs === undefined ? {} : { cpuMs: Math.round(cpuMs) };
}

/** Finds whom a block that has no certain name is counted with, if there is one only. */
export function suspectOf(
  { name, inProgress }: BlockReport,
): string | undefined {
  if (name !== undefined) return name;
  return inProgress.length === 1 ? inProgress[0] : undefined;
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

function verdict(
  { measured, likely }: Suspicion,
  profiled: string | undefined,
  certain: boolean,
): Pick<BlockReport, "name" | "certain" | "evidence"> {
  if (measured !== undefined) {
    return { name: measured, certain, evidence: "measured" };
  }
  if (profiled !== undefined) {
    return { name: profiled, certain, evidence: "profile" };
  }
  return likely !== undefined
    ? { name: likely, certain: false, evidence: "ended" }
    : { certain: false, evidence: "none" };
}

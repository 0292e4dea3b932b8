import type { EventLoopBlock } from "./event_loop_lag.ts";

/** A piece of work, such as a tool's call, that is in progress or was until just now. */
export interface WatchedWork {
  /** The kind of work; one of few names. */
  name: string;
  /** The beginning, in milliseconds of the clock. */
  begunAt: number;
  /** The end; `undefined` while it is in progress. */
  endedAt?: number;
}

/** A stretch of time, in milliseconds of the clock. */
interface Stretch {
  from: number;
  to: number;
}

/** A stretch that some work is known to have spent without a pause. */
export interface MeasuredRun extends Stretch {
  name: string;
}

/** A stretch in which something blocked, and who can have been it. */
export interface Suspicion extends Stretch {
  /** The work that was measured to have taken it. */
  measured?: string;
  /** The only work that was in progress all the time, if it ended with the stretch. */
  likely?: string;
  /** The names of all work that was in progress all the time. */
  suspects: string[];
}

/** The longest time from a block's end to the end of work for that to be no chance. */
const SAME_TURN_MS = 5;

/**
 * Finds who can have blocked the event loop. JavaScript does one thing at a time, so
 * while something blocks no work begins or ends: the block lies between two
 * such moments, and only work in progress at both can have been it.
 *
 * @param intervalMs How long before its timer is due a block can begin unseen.
 * @param pause A time in which V8's profiler stopped everything.
 */
export function blockSuspicions(
  { from, to, cpuMs = 0 }: EventLoopBlock,
  runs: readonly MeasuredRun[],
  work: readonly WatchedWork[],
  blockedMs: number,
  intervalMs: number,
  pause: Stretch,
): Suspicion[] {
  const during = (start: number, end: number) =>
    work.filter(({ begunAt, endedAt }) =>
      begunAt <= start && (endedAt === undefined || endedAt >= end)
    );
  const found: Suspicion[] = runs.map(({ name, from, to }) => ({
    from,
    to,
    measured: name,
    suspects: [name],
  }));
  for (
    const [start, end] of quietStretches(
      from,
      to,
      [...runs, pause],
      work,
    )
  ) {
    // Up to when the timer was due, the event loop may have been idle; the CPU
    // time tells for how long it was.
    const latest = Math.max(start, Math.min(from + intervalMs, end));
    const blockedFrom = Math.min(latest, Math.max(start, end - cpuMs));
    if (end - blockedFrom < blockedMs) continue;
    const present = during(start, end);
    found.push({
      from: blockedFrom,
      to: end,
      likely: onlyOneEnding(present, end),
      suspects: namesOf(present),
    });
  }
  if (found.length > 0) return found;
  const pausedMs = pause.from >= from ? pause.to - pause.from : 0;
  if (to - from - intervalMs - pausedMs < blockedMs) return [];
  // Many short pieces of work, one after the other: nobody in particular.
  const present = work.filter(({ endedAt = to }) => endedAt > from);
  return [{ from: from + intervalMs, to, suspects: namesOf(present) }];
}

/** The times between any two moments at which something is known to have happened. */
function quietStretches(
  from: number,
  to: number,
  runs: readonly Stretch[],
  work: readonly WatchedWork[],
): [number, number][] {
  const moments = [
    from,
    to,
    ...runs.flatMap((run) => [run.from, run.to]),
    ...work.flatMap(({ begunAt, endedAt = to }) => [begunAt, endedAt]),
  ].filter((at) => at >= from && at <= to).sort((a, b) => a - b);
  return moments.slice(1)
    .map((end, index): [number, number] => [moments[index], end])
    .filter(([start, end]) =>
      !runs.some((run) => run.from <= start && run.to >= end)
    );
}

function onlyOneEnding(
  present: readonly WatchedWork[],
  at: number,
): string | undefined {
  const [only, ...others] = present;
  return only?.endedAt !== undefined && others.length === 0 &&
      only.endedAt - at < SAME_TURN_MS
    ? only.name
    : undefined;
}

function namesOf(work: readonly WatchedWork[]): string[] {
  return [...new Set(work.map(({ name }) => name))].sort();
}

/** The number of endings that are kept; with more between two looks, the oldest are forgotten. */
const CAPACITY = 256;

/** The work that ended since the last look; notes an ending without allocating. */
export class RecentWork {
  readonly #names: string[] = new Array(CAPACITY).fill("");
  readonly #begunAt: Float64Array = new Float64Array(CAPACITY);
  readonly #endedAt: Float64Array = new Float64Array(CAPACITY);
  #count = 0;

  add(name: string, begunAt: number, endedAt: number): void {
    const index = this.#count++ % CAPACITY;
    this.#names[index] = name;
    this.#begunAt[index] = begunAt;
    this.#endedAt[index] = endedAt;
  }

  /** Set once some endings are forgotten. */
  get overflown(): boolean {
    return this.#count > CAPACITY;
  }

  list(): WatchedWork[] {
    return Array.from({ length: Math.min(this.#count, CAPACITY) }, (_, i) => ({
      name: this.#names[i],
      begunAt: this.#begunAt[i],
      endedAt: this.#endedAt[i],
    }));
  }

  clear(): void {
    this.#count = 0;
  }
}

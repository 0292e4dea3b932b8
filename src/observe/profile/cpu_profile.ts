import { checkInteger } from "../../base/options.ts";
import {
  type CallFrame,
  isOwn,
  locationText,
  nameOf,
  placeOf,
  type SourcePositions,
} from "./source_position.ts";
import { textTable } from "./text_table.ts";

/** A function as it was called along one path, in the `.cpuprofile` format. */
export interface CpuProfileNode {
  /** Unique in the profile. */
  id: number;
  /** The function. */
  callFrame: CallFrame;
  /** The number of samples that found it running. */
  hitCount?: number;
  /** The ids of the functions it called. */
  children?: number[];
  /** The samples by line, lines counted from 1. */
  positionTicks?: { line: number; ticks: number }[];
}

/** The `.cpuprofile` format, which V8 writes and viewers read. */
export interface CpuProfileJson {
  /** The functions that were seen, by call path; the root first. */
  nodes: CpuProfileNode[];
  /** The beginning, in microseconds of V8's clock. */
  startTime: number;
  /** The end, in microseconds of V8's clock. */
  endTime: number;
  /** The node that each sample found running. */
  samples: number[];
  /** The microseconds between each sample and the one before it. */
  timeDeltas: number[];
}

/** One function of a CPU profile, all its call paths put together. */
export interface CpuProfileRow {
  /** Its name; `(anonymous)` without one. */
  function: string;
  /** The place in the sources: address, line and column; `""` for V8's own. */
  location: string;
  /** The number of samples that found it running. */
  hits: number;
  /** The time for which it ran itself, in milliseconds. */
  selfMs: number;
  /** The same, in percent of the time in which anything ran. */
  selfPercent: number;
  /** The time with all it called, in milliseconds; recursion counts once. */
  totalMs: number;
  /** The same, in percent of the time in which anything ran. */
  totalPercent: number;
}

/** The order of the rows. */
export type CpuProfileOrder = "total" | "self";

/**
 * A record of what ran while a profile was taken, by sampling; made by `profile`.
 *
 * @example
 * ```ts
 * import { profile } from "@sluice/mcp";
 *
 * const { profile: cpu } = await profile(() => JSON.stringify([1, 2, 3]));
 * console.log(cpu.table(20));
 * await cpu.save("stringify.cpuprofile");
 * ```
 */
export class CpuProfile {
  readonly #json: CpuProfileJson;
  #rows: CpuProfileRow[] | undefined;

  /**
   * Takes a profile as V8 gives it.
   *
   * @param positions Finds the places in the sources; without it, they are those
   * of the JavaScript that ran.
   */
  constructor(json: CpuProfileJson, positions?: SourcePositions) {
    this.#json = positions === undefined ? json : atSource(json, positions);
  }

  /** The length of the recording, in milliseconds. */
  get durationMs(): number {
    return (this.#json.endTime - this.#json.startTime) / 1_000;
  }

  /** The number of looks at what was running. */
  get samples(): number {
    return this.#json.samples.length;
  }

  /**
   * The functions that took the most time; the runtime's own, such as its event
   * loop, only if they were found running themselves.
   *
   * @param limit How many, at most.
   * @param order By the time with all they called, or by their own.
   * @throws {InvalidOptionError} if `limit` is no whole number of at least 1.
   */
  top(limit: number = 20, order: CpuProfileOrder = "total"): CpuProfileRow[] {
    checkInteger("limit", limit, 1);
    const key = order === "self" ? "selfMs" : "totalMs";
    return (this.#rows ??= this.#countRows())
      .toSorted((a, b) => b[key] - a[key])
      .slice(0, limit);
  }

  /**
   * The same as text, one line each.
   *
   * @param limit How many functions, at most.
   * @param order By the time with all they called, or by their own.
   * @throws {InvalidOptionError} if `limit` is no whole number of at least 1.
   */
  table(limit: number = 20, order: CpuProfileOrder = "total"): string {
    const rows = this.top(limit, order).map((row) => [
      String(row.hits),
      row.selfMs.toFixed(1),
      row.selfPercent.toFixed(1),
      row.totalMs.toFixed(1),
      row.totalPercent.toFixed(1),
      `${row.function} ${row.location}`.trimEnd(),
    ]);
    const head = ["hits", "self ms", "self %", "total ms", "total %"];
    const sorted = order === "self" ? "own" : "cumulative";
    return `${this.samples} samples in ${this.durationMs.toFixed(1)} ms, ` +
      `by ${sorted} time\n\n` +
      textTable([...head, "function"], rows);
  }

  /** The profile in the `.cpuprofile` format; also what `JSON.stringify` writes. */
  toJSON(): CpuProfileJson {
    return this.#json;
  }

  /**
   * Writes the profile to a file that Chrome's DevTools, VS Code and speedscope
   * open; its name should end in `.cpuprofile`.
   */
  async save(path: string | URL): Promise<void> {
    const { writeFile } = await import("node:fs/promises");
    await writeFile(path, JSON.stringify(this.#json));
  }

  #countRows(): CpuProfileRow[] {
    const times = functionTimes(this.#json);
    const busyMs = times.reduce((sum, { selfMs }) => sum + selfMs, 0);
    const percent = (ms: number) => busyMs === 0 ? 0 : ms / busyMs * 100;
    const shown = times.filter(({ frame, hits }) => hits > 0 || isOwn(frame));
    return shown.map(({ frame, hits, selfMs, totalMs }) => ({
      function: nameOf(frame),
      location: locationText(frame),
      hits,
      selfMs,
      selfPercent: percent(selfMs),
      totalMs,
      totalPercent: percent(totalMs),
    }));
  }
}

/** Later than any column: a line is asked for, not a place on it. */
const END_OF_LINE = 1_000_000;

function atSource(
  json: CpuProfileJson,
  positions: SourcePositions,
): CpuProfileJson {
  const lineOf = (frame: CallFrame, line: number) =>
    positions.map({
      ...frame,
      lineNumber: line - 1,
      columnNumber: END_OF_LINE,
    }).lineNumber + 1;
  return {
    ...json,
    nodes: json.nodes.map((node) => ({
      ...node,
      callFrame: positions.map(node.callFrame),
      ...(node.positionTicks !== undefined && {
        positionTicks: node.positionTicks.map(({ line, ticks }) => ({
          line: lineOf(node.callFrame, line),
          ticks,
        })),
      }),
    })),
  };
}

/** The time of one function, all its call paths put together. */
interface FunctionTime {
  readonly frame: CallFrame;
  hits: number;
  selfMs: number;
  totalMs: number;
}

/** V8's names for where no function runs. */
const NOTHING_RUNS: ReadonlySet<string> = new Set(["(root)", "(idle)"]);

/** Adds up a profile's samples by function. */
function functionTimes(json: CpuProfileJson): FunctionTime[] {
  const stackOf = stacksOf(json.nodes);
  const times = new Map<string, FunctionTime>();
  const timeOf = (frame: CallFrame): FunctionTime => {
    const key = `${placeOf(frame)}:${frame.functionName}`;
    const time = times.get(key) ?? { frame, hits: 0, selfMs: 0, totalMs: 0 };
    times.set(key, time);
    return time;
  };
  for (const [id, { hits, ms }] of selfTimes(json)) {
    const stack = stackOf(id)
      .filter(({ functionName }) => !NOTHING_RUNS.has(functionName))
      .map(timeOf);
    if (stack.length === 0) continue;
    stack[0].hits += hits;
    stack[0].selfMs += ms;
    // A function that has called itself counts once.
    for (const time of new Set(stack)) time.totalMs += ms;
  }
  return [...times.values()].filter(({ totalMs }) => totalMs > 0);
}

/** Adds up the time of each node: a sample lasts until the next one. */
function selfTimes(
  { samples, timeDeltas, startTime, endTime }: CpuProfileJson,
): Map<number, { hits: number; ms: number }> {
  const self = new Map<number, { hits: number; ms: number }>();
  let at = startTime;
  samples.forEach((id, index) => {
    at += timeDeltas[index];
    const next = index + 1 < samples.length
      ? at + timeDeltas[index + 1]
      : endTime;
    const time = self.get(id) ?? { hits: 0, ms: 0 };
    time.hits++;
    time.ms += Math.max(0, next - at) / 1_000;
    self.set(id, time);
  });
  return self;
}

/** Gives the functions that a node stands for, the innermost first. */
export function stacksOf(
  nodes: readonly CpuProfileNode[],
): (id: number) => CallFrame[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap((node) =>
      (node.children ?? []).map((child) => [child, node.id])
    ),
  );
  return (id) => {
    const stack: CallFrame[] = [];
    for (let each = byId.get(id); each !== undefined;) {
      stack.push(each.callFrame);
      each = byId.get(parents.get(each.id) ?? 0);
    }
    return stack;
  };
}

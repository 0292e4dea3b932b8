import type { CpuProfileJson, CpuProfileNode } from "./cpu_profile.ts";
import type { CallFrame } from "./source_position.ts";

/** What one function took, all its call paths put together. */
export interface FunctionTime {
  frame: CallFrame;
  hits: number;
  selfMs: number;
  totalMs: number;
}

/** V8's names for where no function runs. */
const NOTHING_RUNS: ReadonlySet<string> = new Set(["(root)", "(idle)"]);

/** Adds up a CPU profile's samples by function. */
export class CpuTimes {
  readonly #byFunction: Map<string, FunctionTime> = new Map();
  #busyMs = 0;

  constructor(json: CpuProfileJson) {
    const nodes = new Map(json.nodes.map((node) => [node.id, node]));
    const [root] = json.nodes;
    if (root === undefined) return;
    this.#visit(root, nodes, selfTimes(json), new Set());
  }

  /** How long anything ran, in milliseconds. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** The functions that were seen, in no order. */
  get functions(): FunctionTime[] {
    return [...this.#byFunction.values()].filter(({ totalMs }) => totalMs > 0);
  }

  /** @returns how long the node and all below it ran. */
  #visit(
    node: CpuProfileNode,
    nodes: ReadonlyMap<number, CpuProfileNode>,
    self: ReadonlyMap<number, { hits: number; ms: number }>,
    callers: Set<FunctionTime>,
  ): number {
    const time = this.#timeOf(node.callFrame);
    const { hits, ms } = self.get(node.id) ?? { hits: 0, ms: 0 };
    // A function that has called itself: its first call counts the time below.
    const first = time !== undefined && !callers.has(time);
    if (first) callers.add(time);
    let totalMs = time === undefined ? 0 : ms;
    for (const id of node.children ?? []) {
      totalMs += this.#visit(nodes.get(id)!, nodes, self, callers);
    }
    if (time !== undefined) {
      time.hits += hits;
      time.selfMs += ms;
      this.#busyMs += ms;
    }
    if (first) {
      time.totalMs += totalMs;
      callers.delete(time);
    }
    return totalMs;
  }

  #timeOf(frame: CallFrame): FunctionTime | undefined {
    if (NOTHING_RUNS.has(frame.functionName)) return undefined;
    const { functionName, scriptId, lineNumber, columnNumber } = frame;
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    let time = this.#byFunction.get(key);
    if (time === undefined) {
      time = { frame, hits: 0, selfMs: 0, totalMs: 0 };
      this.#byFunction.set(key, time);
    }
    return time;
  }
}

/** What each node took: a sample lasts until the next one. */
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

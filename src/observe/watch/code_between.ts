import type { CpuProfileJson, CpuProfileNode } from "../profile/cpu_profile.ts";
import { type CallFrame, isOwn, placeOf } from "../profile/source_position.ts";

/** What ran in a part of a CPU profile. */
export interface RunningCode {
  /** How many samples found something running there. */
  samples: number;
  /** The function, not of V8 or the runtime, in which most samples were. */
  hottest: CallFrame | undefined;
  /** In how many samples a function was on the stack, by `scriptId:line:column`. */
  onStack: ReadonlyMap<string, number>;
}

/**
 * Reads what ran from `fromUs` to `toUs`, in microseconds of the profile's clock.
 */
export function codeBetween(
  json: CpuProfileJson,
  fromUs: number,
  toUs: number,
): RunningCode {
  const stackOf = stacks(json.nodes);
  const onStack = new Map<string, number>();
  const own = new Map<string, number>();
  const frames = new Map<string, CallFrame>();
  let samples = 0;
  let at = json.startTime;
  json.samples.forEach((id, index) => {
    at += json.timeDeltas[index];
    const stack = stackOf(id);
    if (at < fromUs || at > toUs || isIdle(stack)) return;
    samples++;
    for (const key of new Set(stack.map(placeOf))) count(onStack, key);
    const frame = stack.find(isOwn);
    if (frame === undefined) return;
    frames.set(placeOf(frame), frame);
    count(own, placeOf(frame));
  });
  const [most] = [...own].sort(([, a], [, b]) => b - a);
  return { samples, hottest: most && frames.get(most[0]), onStack };
}

/** Gives the functions that a node stands for, the innermost first. */
function stacks(
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

function isIdle([innermost]: CallFrame[]): boolean {
  return innermost === undefined || innermost.functionName === "(idle)";
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

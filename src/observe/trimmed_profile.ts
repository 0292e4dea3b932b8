import type { CpuProfileJson } from "./cpu_profile.ts";

/**
 * The profile without its first samples, in which the profiler saw itself begin.
 *
 * @param keptUs How much of its end is kept, in microseconds.
 */
export function trimmedProfile(
  json: CpuProfileJson,
  keptUs: number,
): CpuProfileJson {
  const startTime = Math.max(json.startTime, json.endTime - keptUs);
  const dropped = new Set<number>();
  let first = 0;
  let at = json.startTime;
  while (first < json.samples.length) {
    at += json.timeDeltas[first];
    if (at >= startTime) break;
    dropped.add(json.samples[first++]);
  }
  const samples = json.samples.slice(first);
  const hits = new Map<number, number>();
  for (const id of samples) hits.set(id, (hits.get(id) ?? 0) + 1);
  return {
    ...json,
    startTime,
    samples,
    timeDeltas: samples.map((_, index) =>
      index === 0 ? at - startTime : json.timeDeltas[first + index]
    ),
    nodes: json.nodes.map(({ positionTicks, ...node }) => ({
      ...node,
      hitCount: hits.get(node.id) ?? 0,
      // By line it isn't known which samples went.
      ...(positionTicks !== undefined && !dropped.has(node.id) && {
        positionTicks,
      }),
    })),
  };
}

import type { CpuProfileJson, CpuProfileNode } from "./cpu_profile.ts";
import { type CallFrame, placeOf } from "./source_position.ts";

/** More samples than these can't be of the profiler's end. */
const MAX_LAST = 3;

/**
 * The profile without its first samples, in which the profiler saw itself begin,
 * and the last, in which it saw itself end.
 *
 * @param keptUs How much of its end is kept, in microseconds.
 * @param isEnd Whether a frame is one that ends the profile.
 */
export function trimmedProfile(
  json: CpuProfileJson,
  keptUs: number,
  isEnd: (frame: CallFrame) => boolean = () => false,
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
  const last = endOf(json, first, isEnd);
  for (const id of json.samples.slice(last)) dropped.add(id);
  const samples = json.samples.slice(first, last);
  const nodes = json.nodes.map(({ positionTicks, ...node }) => ({
    ...node,
    // By line it isn't known which samples went.
    ...(positionTicks !== undefined && !dropped.has(node.id) && {
      positionTicks,
    }),
  }));
  return {
    ...withSamples(json, samples, nodes),
    startTime,
    timeDeltas: samples.map((_, index) =>
      index === 0 ? at - startTime : json.timeDeltas[first + index]
    ),
  };
}

/** Finds the samples that show how the profile ends. */
function endOf(
  { nodes, samples }: CpuProfileJson,
  first: number,
  isEnd: (frame: CallFrame) => boolean,
): number {
  const ending = new Set<number>();
  // A node stands before its children.
  for (const { id, callFrame, children = [] } of nodes) {
    if (!ending.has(id) && !isEnd(callFrame)) continue;
    for (const each of [id, ...children]) ending.add(each);
  }
  const least = Math.max(first, samples.length - MAX_LAST);
  let last = samples.length;
  while (last > least && ending.has(samples[last - 1])) last--;
  return last;
}

/**
 * The profile without one function: what it called counts as called by its
 * caller, and so does its own time.
 *
 * @param place `scriptId:line:column`, as profiles name where its code begins.
 */
export function splicedProfile(
  json: CpuProfileJson,
  place: string,
): CpuProfileJson {
  const out = new Set(
    json.nodes.filter(({ callFrame }) => placeOf(callFrame) === place)
      .map(({ id }) => id),
  );
  if (out.size === 0) return json;
  const nodes = new Map(json.nodes.map((node) => [node.id, node]));
  const heirs = new Map<number, number>();
  const kept = (id: number, heir: number): number[] => {
    if (!out.has(id)) return [id];
    heirs.set(id, heir);
    return (nodes.get(id)!.children ?? []).flatMap((child) =>
      kept(child, heir)
    );
  };
  const spliced = json.nodes.filter(({ id }) => !out.has(id)).map((node) => ({
    ...node,
    ...(node.children !== undefined && {
      children: node.children.flatMap((child) => kept(child, node.id)),
    }),
  }));
  const samples = json.samples.map((id) => heirs.get(id) ?? id);
  return withSamples(json, samples, spliced);
}

/** A profile of other samples; each of its nodes counts those that found it running. */
function withSamples(
  json: CpuProfileJson,
  samples: number[],
  nodes: readonly CpuProfileNode[],
): CpuProfileJson {
  const hits = new Map<number, number>();
  for (const id of samples) hits.set(id, (hits.get(id) ?? 0) + 1);
  return {
    ...json,
    samples,
    nodes: nodes.map((node) => ({ ...node, hitCount: hits.get(node.id) ?? 0 })),
  };
}

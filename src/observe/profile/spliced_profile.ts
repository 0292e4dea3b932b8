import type { CpuProfileJson } from "./cpu_profile.ts";
import { placeOf } from "./source_position.ts";

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
  const hits = new Map<number, number>();
  for (const id of samples) hits.set(id, (hits.get(id) ?? 0) + 1);
  return {
    ...json,
    samples,
    nodes: spliced.map((node) => ({
      ...node,
      hitCount: hits.get(node.id) ?? 0,
    })),
  };
}

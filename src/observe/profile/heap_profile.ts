import { checkInteger } from "../../base/options.ts";
import {
  type CallFrame,
  locationText,
  nameOf,
  type SourcePositions,
} from "./source_position.ts";
import { textTable } from "./text_table.ts";

/** A function that allocated, as it was called along one path. */
export interface HeapProfileNode {
  /** Unique in the profile. */
  id: number;
  /** The function. */
  callFrame: CallFrame;
  /** The bytes that it allocated itself. */
  selfSize: number;
  /** The functions it called. */
  children: HeapProfileNode[];
}

/** The `.heapprofile` format, which V8 writes and viewers read. */
export interface HeapProfileJson {
  /** The root of the functions that allocated, by call path. */
  head: HeapProfileNode;
  /** The allocations that were noted; each stands for `size` bytes. */
  samples: { size: number; nodeId: number; ordinal: number }[];
}

/** One function of a {@linkcode HeapProfile}, all its call paths put together. */
export interface AllocationSite {
  /** Its name; `(anonymous)` without one. */
  function: string;
  /** The place in the sources: address, line and column; `""` for V8's own. */
  location: string;
  /** The bytes that it allocated itself; estimated from samples. */
  bytes: number;
  /** The same, in percent of all that was allocated. */
  percent: number;
}

/**
 * A record of who allocated memory, by sampling, whether it was kept or not; made by
 * `profileMemory`.
 */
export class HeapProfile {
  readonly #json: HeapProfileJson;

  /**
   * Takes a profile as V8 gives it; only what `samples` has is counted.
   *
   * @param positions Finds the places in the sources; without it, they are those
   * of the JavaScript that ran.
   */
  constructor(json: HeapProfileJson, positions?: SourcePositions) {
    const ids = new Set(nodesFrom(json.head).map(({ id }) => id));
    // What was noted while V8 wrote the profile down has no node in it.
    const samples = json.samples.filter(({ nodeId }) => ids.has(nodeId));
    const sizes = new Map<number, number>();
    for (const { nodeId, size } of samples) {
      sizes.set(nodeId, (sizes.get(nodeId) ?? 0) + size);
    }
    this.#json = { head: counted(json.head, sizes, positions), samples };
  }

  /** The bytes allocated in all; estimated from samples. */
  get allocatedBytes(): number {
    return this.#json.samples.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The functions that allocated the most.
   *
   * @param limit How many, at most.
   * @throws {InvalidOptionError} if `limit` is no whole number of at least 1.
   */
  top(limit: number = 20): AllocationSite[] {
    checkInteger("limit", limit, 1);
    return sitesOf(nodesFrom(this.#json.head), this.allocatedBytes)
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, limit);
  }

  /**
   * The same as text, one line each.
   *
   * @param limit How many functions, at most.
   * @throws {InvalidOptionError} if `limit` is no whole number of at least 1.
   */
  table(limit: number = 20): string {
    const rows = this.top(limit).map((site) => [
      (site.bytes / 2 ** 20).toFixed(2),
      site.percent.toFixed(1),
      `${site.function} ${site.location}`.trimEnd(),
    ]);
    return textTable(["allocated MB", "%", "function"], rows);
  }

  /** The profile in the `.heapprofile` format; also what `JSON.stringify` writes. */
  toJSON(): HeapProfileJson {
    return this.#json;
  }

  /**
   * Writes the profile to a file that Chrome's DevTools and VS Code open; its
   * name should end in `.heapprofile`.
   */
  async save(path: string | URL): Promise<void> {
    const { writeFile } = await import("node:fs/promises");
    await writeFile(path, JSON.stringify(this.#json));
  }
}

function nodesFrom(node: HeapProfileNode): HeapProfileNode[] {
  return [node, ...node.children.flatMap(nodesFrom)];
}

/** The tree with the sizes of the samples, and without what has none. */
function counted(
  node: HeapProfileNode,
  sizes: ReadonlyMap<number, number>,
  positions: SourcePositions | undefined,
): HeapProfileNode {
  const children = node.children.map((child) =>
    counted(child, sizes, positions)
  );
  return {
    id: node.id,
    callFrame: positions?.map(node.callFrame) ?? node.callFrame,
    selfSize: sizes.get(node.id) ?? 0,
    children: children.filter((child) =>
      child.selfSize > 0 || child.children.length > 0
    ),
  };
}

function sitesOf(
  nodes: readonly HeapProfileNode[],
  allBytes: number,
): AllocationSite[] {
  const sites = new Map<string, AllocationSite>();
  for (const { callFrame, selfSize } of nodes) {
    if (selfSize === 0) continue;
    const name = nameOf(callFrame);
    const location = locationText(callFrame);
    const key = `${name} ${location}`;
    const site = sites.get(key) ??
      { function: name, location, bytes: 0, percent: 0 };
    site.bytes += selfSize;
    site.percent = site.bytes / allBytes * 100;
    sites.set(key, site);
  }
  return [...sites.values()];
}

/** The servers of `bench/work.ts`: what each runs, and the ways in which it may be spoken to. */
import { existsSync } from "node:fs";
import type { WorkMode } from "./visit.ts";

/** One of them. */
export interface WorkServer {
  label: string;
  /** Script, relative to `bench/`; a peer's is one of the shell, which can `build` too. */
  script: string;
  env?: Record<string, string>;
  modes: readonly WorkMode[];
}

const all: readonly WorkMode[] = ["modern", "stateless", "sessions"];
const legacy: readonly WorkMode[] = ["stateless", "sessions"];

/** Each by its id; the first is what the others are set against. */
export const workServers: Record<string, WorkServer> = {
  fetch: {
    label: "Sluice, fetch",
    script: "servers/work.ts",
    env: { HTTP: "fetch" },
    modes: all,
  },
  pool: {
    label: "Sluice, HttpPool",
    script: "servers/work.ts",
    env: { HTTP: "pool" },
    modes: all,
  },
  rust: {
    label: "Rust, rmcp 3.11.0",
    script: "peers/work/rust/start.sh",
    modes: all,
  },
  go: {
    label: "Go, SDK 1.8.0",
    script: "peers/work/go/start.sh",
    modes: all,
  },
  node_v2: {
    label: "Node, SDK v2 (2.4.0)",
    script: "peers/work/node_v2/start.sh",
    modes: all,
  },
  node_v1: {
    label: "Node, SDK v1 (1.32.2)",
    script: "peers/work/node_v1/start.sh",
    modes: legacy,
  },
  python_fastmcp: {
    label: "Python, FastMCP 4.2.3",
    script: "peers/work/python_fastmcp/start.sh",
    modes: all,
  },
  python_sdk: {
    label: "Python, SDK 2.3.0",
    script: "peers/work/python_sdk/start.sh",
    modes: all,
  },
};

/**
 * Makes a server ready to start: a peer is compiled, or its packages are
 * installed, in the user's cache folder, which takes minutes the first time.
 *
 * @throws {Error} when its toolchain or a package can't be had.
 */
export async function buildWorkServer({ script }: WorkServer): Promise<void> {
  if (!isPeer(script)) return;
  const path = new URL(`../${script}`, import.meta.url).pathname;
  const { success, stderr } = await new Deno.Command(path, {
    args: ["build"],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(`it can't be built: ${lines.slice(-3).join("; ")}`);
}

/** Whether a server can be started, as it is ours or was built before. */
export function isBuilt(id: string): boolean {
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME")}/.cache`;
  return !isPeer(workServers[id].script) ||
    existsSync(`${cache}/sluice-bench/${id}/built`);
}

function isPeer(script: string): boolean {
  return script.endsWith(".sh");
}

import { memoryProfiled, profiled } from "@sluice/mcp";
import { z } from "zod";
import type { GuideServer } from "./server.ts";

const inputSchema = z.object({
  data: z.string().max(10_000).default("sample"),
});

/**
 * Tools under the microscope: every call prints its profile to stderr. They need
 * `--allow-sys`.
 */
export function addProfilingTools(server: GuideServer): void {
  server.registerTool(
    "profiled_tool",
    {
      description: "Computes at length, and prints where the time went",
      inputSchema,
      annotations: { readOnlyHint: true },
    },
    profiled(({ data }) => expensiveComputation(data), {
      name: "profiled_tool",
    }),
  );

  server.registerTool(
    "memory_profiled_tool",
    {
      description: "Processes large data, and prints where the memory went",
      inputSchema,
      annotations: { readOnlyHint: true },
    },
    memoryProfiled(({ data }) => processLargeData(data), {
      name: "memory_profiled_tool",
    }),
  );
}

/** A hash of a hash of a hash. */
function expensiveComputation(data: string): string {
  let hash = 0;
  for (let round = 0; round < 50_000; round++) hash = hashOf(data, hash);
  return `Processed: ${(hash >>> 0).toString(16)}`;
}

function hashOf(data: string, seed: number): number {
  let hash = seed;
  for (const char of data.slice(0, 100)) {
    hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  }
  return hash;
}

function processLargeData(data: string): string {
  const copies = Array.from({ length: 100_000 }, (_, index) => ({
    index,
    data,
  }));
  return `Processed: ${copies.length} copies of ${data.length} characters`;
}

interface CpuUsage {
  user: number;
  system: number;
}

/**
 * The CPU time that the process has used, in milliseconds; `undefined` where
 * the runtime doesn't tell.
 */
export function cpuTimeMs(): number | undefined {
  const host = globalThis as {
    Deno?: { cpuUsage?(): CpuUsage };
    process?: { cpuUsage?(): CpuUsage };
  };
  // Deno has a `process` too, but merely reading it costs 11 ms (bench/startup.ts).
  const used = host.Deno?.cpuUsage?.() ?? host.process?.cpuUsage?.();
  return used && (used.user + used.system) / 1_000;
}

/**
 * The CPU time that the process has used, in milliseconds; `undefined` where
 * the runtime doesn't tell.
 */
export function cpuTimeMs(): number | undefined {
  const { process } = globalThis as {
    process?: { cpuUsage?(): { user: number; system: number } };
  };
  const used = process?.cpuUsage?.();
  return used && (used.user + used.system) / 1_000;
}

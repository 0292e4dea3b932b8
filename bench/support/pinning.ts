/** The core of every server under test. */
export const serverCore = 0;

/** The core of whatever makes the load. */
export const loadCore = 1;

const BENCH = new URL("../", import.meta.url);

/** The command line that runs a script on a core: one of `bench/`, or one with its whole path. */
export function pinnedCommand(script: string, core: number): string[] {
  const path = new URL(script, BENCH).pathname;
  const program = script.endsWith(".sh")
    ? [path]
    : [Deno.execPath(), "run", "--allow-all", "--no-check", path];
  return ["--cpu-list", String(core), ...program];
}

/** The command line that runs a script of `bench/` as a server of its own. */
export function pinnedServer(script: string): string[] {
  return pinnedCommand(script, serverCore);
}

/** Moves this process to a core. */
export async function pinSelf(core: number): Promise<void> {
  await new Deno.Command("taskset", {
    args: ["--all-tasks", "--cpu-list", "--pid", `${core}`, `${Deno.pid}`],
  }).output();
}

import { InvalidOptionError } from "../../base/errors.ts";

/** A program and its arguments. */
export interface ProgramCommand {
  readonly path: string;
  readonly args: readonly string[];
}

/** Without it, Deno ends a process that asks to share a port. */
const SHARES_PORTS = "--unstable-net";

/** The names of permissions. */
const PERMISSIONS = [
  "read",
  "write",
  "net",
  "env",
  "sys",
  "run",
  "ffi",
  "import",
] as const;

/**
 * Makes the command that starts this program once more, able to share a port.
 *
 * @throws {InvalidOptionError} if it can't be
 */
export function programCommand(
  flags: readonly string[] = ownFlags(),
): ProgramCommand {
  refuseUnlessPossible();
  const path = Deno.execPath();
  if (Deno.build.standalone) return { path, args: Deno.args };
  const others = flags.filter((flag) => flag !== SHARES_PORTS);
  return {
    path,
    args: ["run", ...others, SHARES_PORTS, Deno.mainModule, ...Deno.args],
  };
}

/** Tells if this process may share a port; one that may not would end of trying. */
export function mayShareAPort(): boolean {
  return "listenDatagram" in Deno;
}

function refuseUnlessPossible(): void {
  const { os, standalone } = Deno.build;
  const allowed = (["run", "env"] as const).every(isGranted);
  const why = os === "windows"
    ? "Windows can't share a port between processes"
    : !allowed
    ? "starting them takes --allow-run and --allow-env"
    : standalone && !mayShareAPort()
    ? `compile the program with ${SHARES_PORTS}, to share a port`
    : /\$deno\$/.test(Deno.mainModule)
    ? "they start the program again, which must be in a file"
    : undefined;
  if (why !== undefined) throw new InvalidOptionError(`workers: ${why}`);
}

/** The flags that this process was started with, as far as it may know them. */
function ownFlags(): string[] {
  const granted = PERMISSIONS.filter(isGranted);
  if (Deno.build.os !== "linux" || granted.length < PERMISSIONS.length) {
    return granted.map((name) => `--allow-${name}`);
  }
  const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0");
  // The program, the script, its arguments and the end are none; nor is `run`.
  const flags = words.slice(1, -Deno.args.length - 2);
  return flags[0] === "run" ? flags.slice(1) : flags;
}

function isGranted(name: typeof PERMISSIONS[number]): boolean {
  return Deno.permissions.querySync({ name }).state === "granted";
}

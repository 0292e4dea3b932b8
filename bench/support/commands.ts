/** Debian's package of each command that a bench runs. */
const packages = { wrk: "wrk", taskset: "util-linux" };

/** Ends the program with what to install when a command is missing. */
export async function requireCommands(
  ...commands: (keyof typeof packages)[]
): Promise<void> {
  for (const command of commands) {
    try {
      await new Deno.Command(command, { args: ["--version"] }).output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error(
        `This bench needs ${command}: apt-get install ${packages[command]}`,
      );
      Deno.exit(1);
    }
  }
}

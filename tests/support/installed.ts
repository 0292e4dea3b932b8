/**
 * Whether this machine has a program.
 *
 * @param version the argument for which it says its version
 */
export async function isInstalled(
  program: string,
  version = "--version",
): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: [version],
    }).output();
    return success;
  } catch {
    return false;
  }
}

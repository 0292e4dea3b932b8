/** Whether this machine has a program. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: ["--version"],
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** The files of `examples/deploy`, as tests use them. */
const FOLDER = new URL("../../examples/deploy/", import.meta.url);

/** Path of a file of the examples. */
export function deployPath(name: string): string {
  return new URL(name, FOLDER).pathname;
}

/** Text of a file of the examples. */
export function deployText(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, FOLDER));
}

/** What a program says of its arguments. */
export async function run(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<{ success: boolean; said: string }> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...options,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { success, said: said.join("") };
}

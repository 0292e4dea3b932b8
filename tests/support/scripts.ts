/**
 * Runs a script in a process of its own, which may do what the flags allow, and
 * gives what it prints. Its imports start at `src/`.
 */
export async function runScript(
  script: string,
  ...flags: string[]
): Promise<string> {
  const root = new URL("../../", import.meta.url);
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--ext=ts"],
      ...["--config", new URL("deno.json", root).pathname],
      ...flags,
      "-",
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  const text = script.replaceAll('"src/', `"${root.href}src/`);
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr } = await process.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

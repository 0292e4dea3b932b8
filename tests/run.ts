/**
 * The one test command (`deno task test`): runs every test with the sanitizers
 * on and closes with a line "N passed, N failed". Arguments go to `deno test`.
 */
const decoder = new TextDecoder();

const process = new Deno.Command(Deno.execPath(), {
  args: [
    "test",
    "--allow-all",
    "--sanitize-ops",
    "--sanitize-resources",
    "--no-prompt",
    ...Deno.args,
  ],
  env: { NO_COLOR: "1" },
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let output = "";
for await (const chunk of process.stdout) {
  await Deno.stdout.write(chunk);
  output += decoder.decode(chunk, { stream: true });
}
const { code } = await process.status;

const summary = output.match(
  /\n(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/,
);
if (summary === null) {
  console.log("The test run ended before it could count its tests.");
  console.log("0 passed, 1 failed");
  Deno.exit(code || 1);
}
const [, passed, failed, skipped] = summary;
console.log(
  `${passed} passed, ${failed} failed` +
    (skipped === undefined ? "" : `, ${skipped} skipped`),
);
Deno.exit(code);

/**
 * The one test command (`deno task test`): runs every test with the sanitizers
 * on and closes with a line "N passed, N failed". Arguments go to `deno test`.
 *
 * Without any, types are checked once, and the files run in shares, two at a
 * time: many tests wait for what they have started. Failures are told again at
 * the end. `--no-check` alone is the same for who has checked the types.
 */
const SHARES = 16;
const LANES = Math.min(2, navigator.hardwareConcurrency);

interface Outcome {
  code: number;
  passed: number;
  failed: number;
  skipped: number;
  failures: string;
}

const isWhole = Deno.args.every((arg) => arg === "--no-check");
const outcomes = isWhole ? await runAll() : [await run(Deno.args)];

for (const { failures } of outcomes) print(failures);
const sum = (kind: "code" | "passed" | "failed" | "skipped") =>
  outcomes.reduce((all, outcome) => all + outcome[kind], 0);
const skipped = sum("skipped");
console.log(
  `${sum("passed")} passed, ${sum("failed")} failed` +
    (skipped === 0 ? "" : `, ${skipped} skipped`),
);
Deno.exit(Math.min(1, sum("code")));

async function runAll(): Promise<Outcome[]> {
  if (Deno.args.length === 0) {
    const checked = await denoTest(["--no-run"], "inherit").status;
    if (!checked.success) return [uncounted(checked.code)];
  }
  const outcomes: Outcome[] = [];
  const shares = Array.from(
    { length: SHARES },
    (_, index) => `--shard=${index + 1}/${SHARES}`,
  ).values();
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const share of shares) {
      outcomes.push(await run([share, "--no-check"], true));
    }
  }));
  return outcomes;
}

/** Runs tests, and prints what is said of them: of a share file by file. */
async function run(args: string[], isShare = false): Promise<Outcome> {
  const process = denoTest(args, "piped");
  let output = "";
  for await (
    const text of process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(isShare ? byFile() : new TransformStream<string, string>())
  ) {
    print(text);
    output += text;
  }
  const { code } = await process.status;
  const summary = output.match(
    /\n(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?:.*? \| (\d+) ignored)?/,
  );
  if (summary === null) return uncounted(code);
  const [passed, failed, skipped = 0] = summary.slice(1).map((count) =>
    Number(count ?? 0)
  );
  const failures = isShare && failed > 0
    ? output.slice(output.indexOf(" ERRORS "))
    : "";
  return { code, passed, failed, skipped, failures };
}

function denoTest(
  args: string[],
  stdout: "piped" | "inherit",
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--allow-all",
      "--sanitize-ops",
      "--sanitize-resources",
      "--no-prompt",
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdout,
    stderr: "inherit",
  }).spawn();
}

function uncounted(code: number): Outcome {
  const failures = "The test run ended before it could count its tests.\n";
  return { code: code || 1, passed: 0, failed: 1, skipped: 0, failures };
}

/** Passes text on file by file: what is said in two lanes shall not mingle. */
function byFile(): TransformStream<string, string> {
  let held = "";
  return new TransformStream({
    transform(text, controller) {
      held += text;
      const end = held.lastIndexOf("\nrunning ") + 1;
      controller.enqueue(held.slice(0, end));
      held = held.slice(end);
    },
    flush: (controller) => controller.enqueue(held),
  });
}

function print(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

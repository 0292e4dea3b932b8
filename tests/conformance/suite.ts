import config from "../deno.json" with { type: "json" };

/** The official suite, in the version that the package is built against. */
const SUITE = config.imports["@modelcontextprotocol/conformance"];

/** What the suite found out about one requirement. */
export interface Check {
  id: string;
  status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  errorMessage?: string;
}

/** One scenario and what came of it. */
export interface Outcome {
  /** The revision at whose wire it ran, or `extension`. */
  revision: string;
  scenario: string;
  checks: Check[];
}

/** Every server scenario of the suite, or those that a revision names, scored or not. */
export async function serverScenarios(revision?: string): Promise<string[]> {
  const { stdout } = await suite([
    "list",
    ...(revision === undefined ? [] : ["--requirements", revision]),
  ]);
  const section = stdout.match(/^Server scenarios.*\n((?: +- .*\n)+)/m);
  if (section === null) throw new Error(`the suite lists nothing: ${stdout}`);
  const unscored = stdout.matchAll(/^ +- (\S+) \[server\]$/gm);
  return [...section[1].matchAll(/- (\S+)/g), ...unscored]
    .map(([, name]) => name);
}

/** Runs all that a revision requires, and what it lists without scoring it. */
export async function runRequirements(
  url: string,
  revision: string,
): Promise<Outcome[]> {
  return await run(
    ["--url", url, "--requirements", revision],
    await serverScenarios(revision),
    revision,
  );
}

/** Runs one scenario that no revision names. */
export function runExtension(
  url: string,
  scenario: string,
): Promise<Outcome[]> {
  return run(["--url", url, "--scenario", scenario], [scenario], "extension");
}

async function run(
  args: string[],
  scenarios: string[],
  revision: string,
): Promise<Outcome[]> {
  const directory = await Deno.makeTempDir();
  try {
    const output = await suite(["server", ...args, "-o", directory]);
    const checks = await readChecks(directory);
    return scenarios.map((scenario) => ({
      revision,
      scenario,
      checks: checks.get(scenario) ?? [notRun(output)],
    }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A scenario that leaves no trace must not pass for one that had no faults. */
function notRun({ stdout, stderr }: { stdout: string; stderr: string }): Check {
  return {
    id: "not-run",
    status: "FAILURE",
    errorMessage: `the suite left no result; it ended with: ${
      (stderr || stdout).slice(-2_000)
    }`,
  };
}

async function readChecks(directory: string): Promise<Map<string, Check[]>> {
  const found = new Map<string, Check[]>();
  for await (const { name } of Deno.readDir(directory)) {
    const scenario = name.match(/^server-(.+)-\d{4}-\d\d-\d\dT/)?.[1];
    if (scenario === undefined) continue;
    const text = await Deno.readTextFile(`${directory}/${name}/checks.json`);
    found.set(scenario, JSON.parse(text));
  }
  return found;
}

/** The suite's own exit code leaves out what is not scored, so it is not read. */
async function suite(
  args: string[],
): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-prompt", SUITE, ...args],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(170_000),
  }).output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

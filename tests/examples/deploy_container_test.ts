import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { within } from "../transport/wire.ts";
import { deployText, run } from "./deployment.ts";

const ROOT = new URL("../../", import.meta.url);

const PLACEHOLDER = "/bin/true";

/** A container file: its first stage's steps, and what the last one says. */
interface ContainerFile {
  readonly runs: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** What is copied out of the first stage. */
  readonly copied: readonly string[];
}

async function read(name: string): Promise<ContainerFile> {
  const runs: string[][] = [];
  const env: Record<string, string> = {};
  const copied: string[] = [];
  let command: string[] = [];
  for (const line of (await deployText(name)).split("\n")) {
    const [, word, rest] = line.match(/^([A-Z]+) (.*)$/) ?? [];
    if (word === "RUN") runs.push(rest.split(" "));
    else if (word === "ENV") {
      const [key, ...value] = rest.split("=");
      env[key] = value.join("=");
    } else if (word === "CMD") command = JSON.parse(rest);
    else if (word === "COPY" && rest.startsWith("--from=build")) {
      copied.push(rest.split(" ")[1]);
    } else if (word === "COPY") assert.equal(rest, ". .");
    else if (word === undefined) assert.match(line, /^(#.*)?$/);
    else assert.match(word, /^(FROM|WORKDIR|EXPOSE|USER)$/);
  }
  return { runs, env, command, copied };
}

/** A folder such as an author has: the program, and what it imports. */
async function project(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const { workspace: _, ...config } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  await Deno.copyFile(new URL("mod.ts", ROOT), `${folder}/mod.ts`);
  await run("cp", ["-r", new URL("src", ROOT).pathname, `${folder}/src`]);
  await Deno.writeTextFile(
    `${folder}/server.ts`,
    await deployText("server.ts"),
  );
  // It comes with the lock file that its author's Deno has written.
  const lock = ["install", "--entrypoint", "server.ts"];
  const { success, said } = await run(Deno.execPath(), lock, { cwd: folder });
  assert.ok(success, said);
  return folder;
}

async function build(
  file: ContainerFile,
  folder: string,
  env: Record<string, string> = {},
): Promise<void> {
  for (const [program, ...args] of file.runs) {
    assert.equal(program, "deno");
    const { success, said } = await run(Deno.execPath(), args, {
      cwd: folder,
      env,
    });
    assert.ok(success, said);
  }
}

Deno.test("the steps of the container file make a server that runs, and ends at SIGTERM", async () => {
  const file = await read("Containerfile");
  const folder = await project();
  await build(file, folder);
  const port = await freePort();
  const [program, ...args] = file.command;
  assert.equal(program, "deno");
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder,
    env: { ...file.env, PORT: String(port), DRAIN_MS: "100" },
    stdout: "null",
    stderr: "null",
  }).spawn();
  await eventually(
    () =>
      fetch(`http://127.0.0.1:${port}/health/ready`).then(async (response) => {
        await response.body?.cancel();
        return response.status === 200;
      }, () => false),
    30_000,
  );
  child.kill("SIGTERM");
  const { code } = await within(child.status, 30_000);
  assert.equal(code, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the steps of the compiled one make the binary that its image copies", async () => {
  const file = await read("Containerfile.compiled");
  const folder = await project();
  // The runtime that goes into the binary can't be fetched everywhere; any
  // program takes its place, and the modules are put into it all the same.
  await build(file, folder, { DENORT_BIN: PLACEHOLDER });
  assert.deepEqual(file.copied, ["/app/server"]);
  assert.deepEqual(file.command, ["/server"]);
  const binary = await Deno.readFile(`${folder}/server`);
  const text = new TextDecoder("latin1").decode(binary);
  assert.ok(text.includes("Hello from a replica!"), "the program is in it");
  await Deno.remove(folder, { recursive: true });
});

import assert from "node:assert/strict";
import { runScript } from "../support/scripts.ts";

/** util-linux has it; without a terminal, Deno asks nobody. */
const hasScript = await new Deno.Command("script", { args: ["--version"] })
  .output().then(({ success }) => success, () => false);

/** What a program prints on a terminal of its own, where nobody answers. */
async function onTerminal(...command: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("script", {
    args: ["-qec", command.join(" "), "/dev/null"],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(30_000),
  }).output();
  return new TextDecoder().decode(stdout);
}

for (const more of [[], ["--allow-read"], ["--allow-sys"]]) {
  const flags = ["--allow-net", ...more];
  Deno.test({
    name: `on a terminal, ${flags.join(" ")} serves without a question`,
    ignore: !hasScript,
    async fn() {
      const greeter = new URL("./fixtures/greeter.ts", import.meta.url);
      const said = await onTerminal(
        ...[Deno.execPath(), "run", ...flags, greeter.pathname],
      );
      assert.doesNotMatch(said, /requests|--allow-\w+ to allow/, said);
      assert.match(said, /Hello, Ada!/);
      assert.match(said, /over\s*$/);
    },
  });
}

Deno.test("a variable is read only where that is allowed already", async () => {
  const script = `
    import { readEnv } from "src/base/env.ts";
    const { get } = Deno.env;
    Deno.env.get = (name) => (console.log("reads", name), get.call(Deno.env, name));
    console.log(readEnv("NO_COLOR"), readEnv("HOME"));`;
  assert.equal(await runScript(script), "undefined undefined\n");
  assert.equal(
    await runScript(script, "--allow-env=NO_COLOR"),
    "reads NO_COLOR\n1 undefined\n",
  );
});

Deno.test("a database that lacks a permission fails with its name, and ends nothing", async () => {
  const script = `
    import { PostgresPool } from "src/pool/postgres/postgres_pool.ts";
    for (const url of ["memory://", "postgres://ada@127.0.0.1:1/x"]) {
      await PostgresPool.connect(url).catch(({ code, message }) =>
        console.log(code, message.match(/--allow-\\w+/)?.[0])
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log("goes on");`;
  assert.equal(
    await runScript(script, "--allow-net"),
    "SLUICE_POSTGRES_CONNECTION --allow-read\n" +
      "SLUICE_POSTGRES_CONNECTION --allow-env\n" +
      "goes on\n",
  );
});

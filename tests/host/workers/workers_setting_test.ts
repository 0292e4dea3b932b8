import assert from "node:assert/strict";
import { McpServer, type ServeOptions } from "../../../mod.ts";
import { runScript } from "../../support/scripts.ts";
import { Crew } from "./crew.ts";

Deno.test("workers that can't be are refused by name, before anything is opened", async () => {
  const opened: string[] = [];
  const server = new McpServer({ name: "t", version: "1.0.0" }, {
    lifespan: () => void opened.push("lifespan"),
    log: () => {},
  });
  for (
    const [workers, message] of [
      [0, /^workers must be a whole number from 1 to 1024, got 0$/],
      [1.5, /^workers must be a whole number/],
      ["two", /^workers must be a number or "auto", got "two"$/],
      [null, /^workers must be a number or "auto", got null$/],
      [{}, /^workers.count must be a number or "auto", got undefined$/],
      [{ count: 0 }, /^workers.count must be a whole number/],
      [{ count: 2, maxSilenceMs: 10 }, /^workers.maxSilenceMs must be/],
      [{ count: 2, flags: ["main.ts"] }, /^workers.flags must be flags/],
      [{ count: 2, maxSilence: 10 }, /maxSilence/],
    ] as const
  ) {
    await assert.rejects(
      server.serve({ port: 0, workers: workers as ServeOptions["workers"] }),
      { name: "InvalidOptionError", message },
    );
  }
  assert.deepEqual(opened, []);
});

Deno.test("one worker is this process", async () => {
  const server = new McpServer({ name: "t", version: "1.0.0" });
  server.registerTool("pid", {}, () => Deno.pid);
  await using running = await server.serve({
    port: 0,
    workers: { count: 1 },
    signals: false,
    onListen() {},
  });
  const health = await fetch(new URL("/health", running.url));
  assert.equal("worker" in await health.json(), false);
});

Deno.test("a program that can't be started again says so", async () => {
  const script = (flags: string) =>
    runScript(
      `import { McpServer } from "src/../mod.ts";
      const server = new McpServer({ name: "t", version: "1" }, { log: () => {} });
      await server.serve({ port: 0, workers: 2 })
        .catch((error) => console.log(error.name, error.message));`,
      "--no-check",
      ...flags.split(" "),
    );
  assert.equal(
    await script("-A"),
    "InvalidOptionError workers: they start the program again, which must be in a file\n",
  );
  assert.equal(
    await script("--allow-net"),
    "InvalidOptionError workers: starting them takes --allow-run and --allow-env\n",
  );
});

Deno.test("workers have the permissions of the supervisor that are without bounds, or those they are given", async () => {
  const flags = ["--allow-net", "--allow-env", "--allow-run", "--allow-read"];
  await using crew = await Crew.start({ workers: 2 }, { flags });
  assert.match(await crew.text("pid"), /^\d+$/);
  await using other = await Crew.start({
    workers: { count: 2, flags: ["--allow-net", "--allow-read"] },
  }, { flags });
  // Without --allow-env, one can't know that it is a worker.
  assert.equal(other.url, "");
});

Deno.test("a port that another program has is refused by address", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const use = `127.0.0.1:${port} is in use by another program`;
  await using crew = await Crew.start({ workers: 2, port });
  assert.equal((await crew.ended()).code, 1);
  assert.ok(crew.logged(use));
  assert.ok(crew.logged("starting crew failed"), Deno.inspect(crew.log));
  await using other = await Crew.start({ workers: 2, operatorPort: port });
  assert.equal((await other.ended()).code, 1);
  assert.ok(other.logged(`operatorPort: ${use}`));
});

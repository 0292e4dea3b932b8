import assert from "node:assert/strict";
import { runScript } from "../../support/scripts.ts";

const ROOT = new URL("../../../", import.meta.url);

const TYPES: Record<string, string> = {
  ts: "application/typescript",
  js: "text/javascript",
};

/** A program that asks its own operators' port. */
function program(module: string): string {
  return `
    import { McpServer } from "${module}";
    const server = new McpServer({ name: "far", version: "1.0.0" }, {
      dashboard: true,
      log: ({ level, message }) => level === "error" && console.log(message),
    });
    const running = await server.serve({
      port: 0, operatorPort: 0, signals: false, onListen() {},
    }).catch(() => undefined);
    for (const path of running ? ["/metrics", "/dashboard/charts.js"] : []) {
      const url = "http://127.0.0.1:" + running.operatorPort + path;
      const response = await fetch(url);
      await response.body.cancel();
      console.log(path, response.status);
    }
    await running?.shutdown();`;
}

const ANSWERED = "/metrics 200\n/dashboard/charts.js 200\n";

Deno.test("the operators' thread starts where the modules came over HTTP", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async ({ url }) => {
      const { pathname } = new URL(url);
      const text = await Deno.readTextFile(new URL(`.${pathname}`, ROOT));
      const type = TYPES[pathname.split(".").at(-1)!] ?? "text/plain";
      return new Response(text, { headers: { "content-type": type } });
    },
  );
  const host = `127.0.0.1:${(server.addr as Deno.NetAddr).port}`;
  const flags = [`--allow-import=${host}`, `--reload=http://${host}`];
  const said = await runScript(
    program(`http://${host}/mod.ts`),
    ...[...flags, "--no-lock", "--no-check", "--quiet", "--allow-net"],
  );
  assert.equal(said, ANSWERED);
});

Deno.test("from files it takes a permission to read them, or says so", async () => {
  const module = new URL("mod.ts", ROOT).href;
  const run = (...flags: string[]) =>
    runScript(program(module), "--no-check", "--allow-net", ...flags);
  const source = new URL("src", ROOT).pathname;
  assert.equal(await run(`--allow-read=${source}`), ANSWERED);
  assert.match(
    await run(),
    /starting far failed: operatorPort takes a thread: .*--allow-read/,
  );
});

Deno.test("a compiled program takes the thread's module along", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("mod.ts", ROOT).pathname],
    stderr: "null",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const specifiers = modules.map((each: { specifier: string }) =>
    each.specifier
  );
  for (
    const path of [
      "src/host/operators/operator_worker.ts",
      "src/admin/dashboard/page/dashboard.html",
    ]
  ) assert.ok(specifiers.includes(new URL(path, ROOT).href), path);
});

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const FIXTURES = new URL("./fixtures/", import.meta.url);

const SAID = `report reported by a worker
isolated reported by a worker
ask 6
square 49
dashboard 200 true
over
`;

const { imports } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
) as { imports: Record<string, string> };

/** The imports of an author who works with a clone. */
const CLONE = { ...imports, "@sluice/mcp": new URL("mod.ts", ROOT).href };

/** What a package registry makes of a module: it knows no import map. */
function published(text: string): string {
  return text.replace(
    /(\bfrom\s+|\bimport\(\s*|\bimport\s+)"([^".][^"]*)"/g,
    (all, before: string, name: string) => {
      const known = Object.keys(imports)
        .filter((each) => name === each || name.startsWith(`${each}/`))
        .sort((a, b) => b.length - a.length)[0];
      return known === undefined
        ? all
        : `${before}"${imports[known]}${name.slice(known.length)}"`;
    },
  );
}

/** Serves the package as a registry does. */
function serveSource(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, async ({ url }) => {
    const { pathname } = new URL(url);
    try {
      const text = await Deno.readTextFile(new URL(`.${pathname}`, ROOT));
      return new Response(pathname.endsWith(".ts") ? published(text) : text, {
        headers: { "content-type": typeOf(pathname) },
      });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

function typeOf(path: string): string {
  if (path.endsWith(".ts")) return "application/typescript";
  return path.endsWith(".js") ? "text/javascript" : "text/plain";
}

/** A folder of an author's own, with the app and an import map. */
async function authorsFolder(map: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const name of ["app.ts", "app_report.ts"]) {
    await Deno.copyFile(new URL(name, FIXTURES), `${folder}/${name}`);
  }
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({ imports: map }),
  );
  return folder;
}

async function deno(
  cwd: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("imported over HTTP, workers, dashboard and embedded database work", async () => {
  await using server = serveSource();
  const host = `127.0.0.1:${server.addr.port}`;
  const folder = await authorsFolder({
    "@sluice/mcp": `http://${host}/mod.ts`,
  });
  const { stdout, stderr } = await deno(folder, [
    ...["run", "--no-prompt", "--no-lock", "--quiet"],
    ...[`--allow-import=${host}`, `--reload=http://${host}`],
    ...["--allow-net", "--allow-read", "--allow-run", "--allow-env", "app.ts"],
  ]);
  assert.equal(stdout, SAID, stderr);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("from a clone, they need no more than is said", async () => {
  const folder = await authorsFolder(CLONE);
  const { stdout, stderr } = await deno(folder, [
    ...["run", "--no-prompt", "--no-lock", "--quiet"],
    ...["--allow-net", "--allow-read", "--allow-run", "--allow-env", "app.ts"],
  ]);
  assert.equal(stdout, SAID, stderr);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bundled into a folder, they work as well", async () => {
  const folder = await authorsFolder(CLONE);
  const bundled = await deno(folder, [
    ...["bundle", "--no-lock", "--platform", "deno"],
    ...["--code-splitting", "--outdir", "dist"],
    ...["--external=@electric-sql/pglite", "app.ts"],
  ]);
  await deno(folder, [
    ...["bundle", "--no-lock", "--platform", "deno"],
    ...["--output", "dist/app_report.ts", "app_report.ts"],
  ]);
  const { stdout, stderr } = await deno(folder, [
    ...["run", "--no-prompt", "--no-lock", "--quiet"],
    ...["--allow-net", "--allow-read", "--allow-run", "--allow-env"],
    "dist/app.js",
  ]);
  assert.equal(stdout, SAID, bundled.stderr + stderr);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bundled into one file, a program is told why it has no threads, and begins once", async () => {
  const folder = await authorsFolder(CLONE);
  await Deno.writeTextFile(
    `${folder}/one.ts`,
    `import { McpServer } from "@sluice/mcp";
    console.log("begins");
    const server = new McpServer({ name: "one", version: "1.0.0" });
    await server.serve({ operatorPort: 0 });`,
  );
  await deno(folder, [
    ...["bundle", "--no-lock", "--platform", "deno"],
    ...["--output", "one.js", "one.ts"],
  ]);
  const importing = `data:text/javascript,import "file://${folder}/one.js"`;
  for (const main of ["one.js", importing]) {
    const { stdout, stderr } = await deno(folder, [
      ...["run", "--no-prompt", "--no-lock", "--allow-all", main],
    ]);
    assert.equal(stdout, "begins\n");
    assert.match(stderr, /bundled into one file.*--code-splitting/);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a compiled program has the workers' modules and the dashboard in it", async () => {
  const out = await Deno.makeTempDir();
  // The runtime is not at hand everywhere; all the rest is embedded all the same.
  const { stderr } = await deno(ROOT.pathname, [
    ...["compile", "--allow-all", "--no-check", "--no-lock"],
    ...["--include", "tests/host/fixtures/app_report.ts"],
    ...["--output", `${out}/app`, "tests/host/fixtures/app.ts"],
  ], { DENORT_BIN: "/bin/true" });
  assert.match(stderr, /Embedded Files/);
  // What Deno prints of it leaves most names out; the program has them all.
  const program = new TextDecoder("latin1")
    .decode(await Deno.readFile(`${out}/app`));
  const files = [
    ...["thread_entry.ts", "worker_runtime.ts", "pglite_worker.ts"],
    ...["operator_entry.ts", "operator_worker.ts"],
    ...["app_report.ts", "dashboard.html", "dashboard.js", "dashboard.css"],
  ];
  const missing = files.filter((file) =>
    !program.includes(`{"File":{"n":"${file}",`)
  );
  assert.deepEqual(missing, []);
  await Deno.remove(out, { recursive: true });
});

import assert from "node:assert/strict";
import { DebugRoutes } from "../../src/admin/debug_routes.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runScript } from "../support/scripts.ts";

function get(path: string, init?: RequestInit): Request {
  return new Request(`http://127.0.0.1${path}`, init);
}

async function errorOf(response: Response | undefined): Promise<string> {
  return (await response!.json()).error;
}

Deno.test("a CPU profile of the running process comes as a file", async () => {
  await using routes = new DebugRoutes();
  const busy = setInterval(() => JSON.stringify(Array(10_000).fill(1)), 5);
  const response = await routes.handle(get("/debug/profile?seconds=1"));
  assert.equal(response!.status, 200);
  assert.equal(response!.headers.get("content-type"), "application/json");
  assert.match(
    response!.headers.get("content-disposition")!,
    /^attachment; filename="[\dT-]+\.cpuprofile"$/,
  );
  assert.equal(response!.headers.get("cache-control"), "no-store");
  const { nodes, samples, timeDeltas, startTime, endTime } = await response!
    .json();
  clearInterval(busy);
  const ids = new Set(nodes.map(({ id }: { id: number }) => id));
  assert.ok(samples.every((id: number) => ids.has(id)));
  assert.equal(samples.length, timeDeltas.length);
  assert.ok(endTime - startTime > 900_000);
});

Deno.test("a heap profile comes as a file, and either as a table", async () => {
  await using routes = new DebugRoutes();
  const busy = setInterval(() => Array.from({ length: 9_999 }, String), 5);
  const response = await routes.handle(get("/debug/heap?seconds=1"));
  assert.match(
    response!.headers.get("content-disposition")!,
    /\.heapprofile"$/,
  );
  const { head, samples } = await response!.json();
  assert.ok(head.children.length > 0 && samples.length > 0);
  for (
    const [path, column] of [["heap", "allocated MB"], ["profile", "hits"]]
  ) {
    const table = await routes.handle(
      get(`/debug/${path}?seconds=1.0&top=3`),
    );
    assert.match(table!.headers.get("content-type")!, /^text\/plain/);
    const text = await table!.text();
    assert.ok(text.includes(column), text);
  }
  clearInterval(busy);
});

Deno.test("one at a time, whichever it is, and the next when that is over", async () => {
  const clock = new FakeClock();
  await using routes = new DebugRoutes({ clock });
  const first = await routes.handle(get("/debug/profile?seconds=30"));
  assert.equal(first!.status, 200);
  await clock.advance(10_500);
  for (const path of ["/debug/profile", "/debug/heap?seconds=2"]) {
    const refused = await routes.handle(get(path));
    assert.equal(refused!.status, 429);
    assert.equal(refused!.headers.get("retry-after"), "20");
    assert.match(await errorOf(refused), /another profile/);
  }
  await clock.advance(19_500);
  assert.ok((await first!.json()).nodes.length > 0);
  assert.equal(clock.pending, 0);
  const next = await routes.handle(get("/debug/heap?seconds=1"));
  assert.equal(next!.status, 200);
  await clock.advance(1_000);
  assert.ok((await next!.json()).head);
});

Deno.test("a bad parameter is named, with what was given", async () => {
  await using routes = new DebugRoutes();
  for (
    const [query, name] of [
      ["seconds=0", "seconds"],
      ["seconds=61", "seconds"],
      ["seconds=", "seconds"],
      ["seconds=-1", "seconds"],
      ["seconds=1e1", "seconds"],
      ["seconds=NaN", "seconds"],
      ["seconds=%00", "seconds"],
      [`seconds=${"9".repeat(5_000)}`, "seconds"],
      ["top=0", "top"],
      ["top=1001", "top"],
      ["top=2.5", "top"],
    ]
  ) {
    const response = await routes.handle(get(`/debug/profile?${query}`));
    assert.equal(response!.status, 400, query);
    const message = await errorOf(response);
    assert.ok(message.startsWith(`${name} must be `), message);
    assert.ok(message.length < 120);
  }
});

Deno.test("GET alone, and only these paths", async () => {
  await using routes = new DebugRoutes();
  for (const method of ["POST", "HEAD", "DELETE", "OPTIONS"]) {
    const response = await routes.handle(get("/debug/heap", { method }));
    assert.equal(response!.status, 405);
    assert.equal(response!.headers.get("allow"), "GET");
  }
  for (
    const path of ["/debug", "/debug/", "/debug/profile/", "/debug/x", "/"]
  ) {
    assert.equal(routes.handle(get(path)), undefined);
  }
});

Deno.test("it ends when the client goes away, and the profiler is free", async () => {
  await using routes = new DebugRoutes();
  await using server = Deno.serve(
    { port: 0, onListen: () => {} },
    async (request) => await routes.handle(request)!,
  );
  const url = `http://127.0.0.1:${server.addr.port}/debug/profile`;
  const controller = new AbortController();
  const { signal } = controller;
  const begun = await fetch(`${url}?seconds=60`, { signal });
  assert.equal(begun.status, 200);
  const busy = await fetch(`${url}?seconds=1`);
  assert.equal(busy.status, 429);
  await busy.body?.cancel();
  controller.abort();
  await assert.rejects(begun.text(), { name: "AbortError" });
  await eventually(async () => {
    const next = await fetch(`${url}?seconds=1&top=5`);
    const text = await next.text();
    return next.status === 200 && /hits/.test(text);
  });
});

Deno.test("it ends when the server closes, and takes no more", async () => {
  for (const path of ["/debug/heap", "/debug/profile"]) {
    const routes = new DebugRoutes();
    const running = await routes.handle(get(`${path}?seconds=60`));
    setTimeout(() => routes.close(), 30);
    await assert.rejects(running!.text(), { name: "ClosedError" });
    assert.equal((await routes.handle(get(path)))!.status, 503);
    const early = new DebugRoutes();
    const begins = early.handle(get(`${path}?seconds=60`));
    await early.close();
    assert.equal((await begins)!.status, 503);
  }
});

Deno.test("without the permission, the answer names it, again and again", async () => {
  const script = `
    import { DebugRoutes } from "src/admin/debug_routes.ts";
    await using routes = new DebugRoutes();
    for (const path of ["profile", "heap", "profile"]) {
      const request = new Request(\`http://127.0.0.1/debug/\${path}\`);
      const response = await routes.handle(request);
      console.log(response.status, (await response.json()).error);
    }`;
  const line = "501 V8's profiler can't be used: it needs the permission " +
    "--allow-sys\n";
  assert.equal(await runScript(script, "--allow-net"), line.repeat(3));
});

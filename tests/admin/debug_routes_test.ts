import assert from "node:assert/strict";
import { DebugRoutes } from "../../src/admin/debug_routes.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";

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
  clearInterval(busy);
  assert.equal(response!.status, 200);
  assert.equal(response!.headers.get("content-type"), "application/json");
  assert.match(
    response!.headers.get("content-disposition")!,
    /^attachment; filename="[\dT-]+\.cpuprofile"$/,
  );
  assert.equal(response!.headers.get("cache-control"), "no-store");
  const { nodes, samples, timeDeltas, startTime, endTime } = await response!
    .json();
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
  const first = routes.handle(get("/debug/profile?seconds=30"));
  await clock.advance(10_500);
  for (const path of ["/debug/profile", "/debug/heap?seconds=2"]) {
    const refused = await routes.handle(get(path));
    assert.equal(refused!.status, 429);
    assert.equal(refused!.headers.get("retry-after"), "20");
    assert.match(await errorOf(refused), /another profile/);
  }
  let answer: Response | undefined;
  Promise.resolve(first).then((response) => answer = response);
  await eventually(async () => {
    await clock.advance(1_000);
    return answer !== undefined;
  });
  assert.equal(answer!.status, 200);
  assert.equal(clock.pending, 0);
  const next = Promise.resolve(
    routes.handle(get("/debug/heap?seconds=1")),
  );
  await eventually(async () => {
    await clock.advance(100);
    return await Promise.race([next, undefined]) !== undefined;
  });
  assert.equal((await next)!.status, 200);
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
  const answers: Promise<Response>[] = [];
  await using server = Deno.serve(
    { port: 0, onListen: () => {} },
    async (request) => {
      const answer = Promise.resolve(routes.handle(request)!);
      answers.push(answer);
      return await answer;
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/debug/profile`;
  const controller = new AbortController();
  const gone = fetch(`${url}?seconds=60`, { signal: controller.signal });
  await eventually(() => answers.length === 1);
  controller.abort();
  await assert.rejects(gone, { name: "AbortError" });
  assert.equal((await answers[0]).status, 503);
  const next = await fetch(`${url}?seconds=1&top=5`);
  assert.equal(next.status, 200);
  await next.body?.cancel();
});

Deno.test("it ends when the server closes, and takes no more", async () => {
  const routes = new DebugRoutes();
  const begunAt = performance.now();
  const running = routes.handle(get("/debug/heap?seconds=60"));
  setTimeout(() => routes.close(), 30);
  assert.equal((await running)!.status, 503);
  assert.ok(performance.now() - begunAt < 10_000);
  assert.equal((await routes.handle(get("/debug/heap")))!.status, 503);
});

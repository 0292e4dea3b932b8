import assert from "node:assert/strict";
import {
  Dashboard,
  type DashboardOptions,
} from "../../src/admin/dashboard/dashboard.ts";
import type { DashboardPoint } from "../../src/admin/dashboard/dashboard_point.ts";
import type {
  HealthReportLike,
  ShownTrouble,
} from "../../src/admin/dashboard/dashboard_feed.ts";
import { InvalidOptionError } from "../../src/base/errors.ts";
import type { MetricsDocument } from "../../src/observe/metrics/metrics_document.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MovingFigures, type MovingFiguresOptions } from "./moving_figures.ts";

const ORIGIN = "http://127.0.0.1:8000";

function make(
  options: DashboardOptions = {},
  shown: MovingFiguresOptions = {},
) {
  const figures = new MovingFigures(shown);
  const clock = new FakeClock();
  const dashboard = new Dashboard(figures, { clock, ...options });
  return { figures, clock, dashboard };
}

function ask(
  dashboard: Dashboard,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  const response = dashboard.handle(new Request(ORIGIN + path, init));
  assert.ok(response, `${path} is the dashboard's`);
  return Promise.resolve(response);
}

interface Frame {
  event: string;
  data: {
    points: DashboardPoint[];
    point: DashboardPoint;
    metrics: MetricsDocument | null;
    health: HealthReportLike | null;
    trouble: ShownTrouble[];
    server: { name: string };
    intervalMs: number;
  };
}

/** Reads the events of a stream one by one. */
class Viewer {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    assert.equal(response.status, 200);
    this.#reader = response.body!.getReader();
  }

  static async open(dashboard: Dashboard): Promise<Viewer> {
    return new Viewer(await ask(dashboard, "/dashboard/events"));
  }

  /** The next event; `undefined` if the stream has ended. */
  async next(): Promise<Frame | undefined> {
    const { value } = await this.#reader.read();
    if (value === undefined) return undefined;
    const text = new TextDecoder().decode(value);
    const match = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text);
    assert.ok(match, `one frame: ${text.slice(0, 80)}`);
    return { event: match[1], data: JSON.parse(match[2]) };
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

Deno.test("the page and its files are served with their types", async () => {
  const { dashboard } = make();
  const page = await ask(dashboard, "/dashboard");
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  const html = await page.text();
  const files = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) =>
    path
  );
  assert.equal(files.length, 8);
  for (const file of files) {
    assert.match(file, /^dashboard\//, "relative, for proxies with a prefix");
    const answer = await ask(dashboard, `/${file}`);
    assert.equal(answer.status, 200, file);
    assert.ok((await answer.text()).length > 100, file);
  }
});

Deno.test("every module that the page imports is served", async () => {
  const { dashboard } = make();
  const seen = new Set(["dashboard.js"]);
  for (const file of seen) {
    const answer = await ask(dashboard, `/dashboard/${file}`);
    assert.equal(answer.status, 200, file);
    assert.equal(
      answer.headers.get("content-type"),
      "text/javascript; charset=utf-8",
    );
    const script = await answer.text();
    for (const [, next] of script.matchAll(/from "\.\/([^"]+)"/g)) {
      seen.add(next);
    }
  }
  assert.equal(seen.size, 13);
});

Deno.test("every answer forbids what the page doesn't need", async () => {
  const { dashboard } = make();
  const paths = ["", "/", "/dashboard.js", "/events", "/none", "/uplot.css"];
  for (const path of paths) {
    const answer = await ask(dashboard, `/dashboard${path}`);
    const policy = answer.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|http/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    await answer.body?.cancel();
  }
  dashboard.close();
});

Deno.test("files are kept by who has them, figures by nobody", async () => {
  const { dashboard } = make();
  const first = await ask(dashboard, "/dashboard/dashboard.js");
  await first.text();
  const etag = first.headers.get("etag")!;
  assert.equal(first.headers.get("cache-control"), "no-cache");
  for (const header of [etag, `W/${etag}`, `"other", ${etag}`]) {
    const again = await ask(dashboard, "/dashboard/dashboard.js", {
      headers: { "if-none-match": header },
    });
    assert.equal(again.status, 304, header);
    assert.equal(again.body, null);
    assert.equal(again.headers.get("etag"), etag);
  }
  const other = await ask(dashboard, "/dashboard/dashboard.js", {
    headers: { "if-none-match": '"other"' },
  });
  assert.equal(other.status, 200);
  await other.text();
  const events = await ask(dashboard, "/dashboard/events");
  assert.match(events.headers.get("cache-control")!, /no-store/);
  await events.body!.cancel();
  dashboard.close();
});

Deno.test("other paths and methods", async () => {
  const { dashboard, clock } = make();
  for (const path of ["/", "/dashboards", "/mcp", "/x/dashboard"]) {
    assert.equal(dashboard.handle(new Request(ORIGIN + path)), undefined, path);
  }
  const paths = [
    "/dashboard/x",
    "/dashboard/page/dashboard.js",
    "/dashboard/%2e%2e/dashboard.ts",
    "/dashboard/constructor",
    "/dashboard//events",
  ];
  for (const path of paths) {
    const answer = dashboard.handle(new Request(ORIGIN + path));
    if (answer !== undefined) assert.equal((await answer).status, 404, path);
  }
  for (const path of ["/dashboard", "/dashboard/events", "/dashboard/x"]) {
    const answer = await ask(dashboard, path, { method: "POST", body: "x" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD");
    await answer.text();
  }
  const slash = await ask(dashboard, "/dashboard/");
  assert.equal(slash.status, 308);
  assert.equal(slash.headers.get("location"), "../dashboard");
  for (const path of ["/dashboard", "/dashboard/events"]) {
    const head = await ask(dashboard, path, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body, null);
  }
  assert.equal(dashboard.viewers, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a viewer gets what has been, then a sample a second", async () => {
  const { dashboard, clock } = make();
  dashboard.start();
  await clock.advance(3_000);
  const viewer = await Viewer.open(dashboard);

  const history = await viewer.next();
  assert.equal(history?.event, "history");
  assert.equal(history.data.points.length, 3);
  assert.equal(history.data.intervalMs, 1_000);
  assert.equal(history.data.server.name, "orders");
  assert.ok(history.data.metrics);
  assert.equal(history.data.trouble.length, 3);

  await clock.advance(1_000);
  const sample = await viewer.next();
  assert.equal(sample?.event, "sample");
  assert.equal(
    sample.data.point.requests,
    sample.data.metrics!.requests_total - history.data.metrics!.requests_total,
    "the requests of one second",
  );
  assert.equal(sample.data.health?.checks.orders_db.status, "healthy");
  dashboard.close();
});

Deno.test("rates count the time that has really passed", async () => {
  const { figures, clock } = make();
  const late = {
    ...clock,
    now: () => 2 * clock.now(),
    setTimeout: clock.setTimeout.bind(clock),
    clearTimeout: clock.clearTimeout.bind(clock),
  };
  const dashboard = new Dashboard(figures, { clock: late });
  dashboard.start();
  const viewer = await Viewer.open(dashboard);
  const before = (await viewer.next())!.data.metrics!;
  await clock.advance(1_000);
  const { point, metrics } = (await viewer.next())!.data;
  assert.equal(
    point.requests,
    (metrics!.requests_total - before.requests_total) / 2,
  );
  dashboard.close();
});

Deno.test("what can't be read is a gap", async () => {
  const { dashboard, clock, figures } = make({}, { blind: true });
  figures.recentLatency = () => undefined;
  dashboard.start();
  await clock.advance(1_000);
  const viewer = await Viewer.open(dashboard);
  const [point] = (await viewer.next())!.data.points;
  for (
    const name of ["p50", "p99", "lagP50", "rss", "heap", "cpu"] as const
  ) assert.equal(point[name], null, name);
  assert.ok(point.requests > 0);
  dashboard.close();
});

Deno.test("five minutes are remembered, and no more", async () => {
  const { dashboard, clock } = make();
  dashboard.start();
  await clock.advance(400_000);
  const viewer = await Viewer.open(dashboard);
  const { points } = (await viewer.next())!.data;
  assert.equal(points.length, 300);
  dashboard.close();
});

Deno.test("one timer for all, from the start to the end", async () => {
  const { dashboard, clock, figures } = make();
  assert.equal(clock.pending, 0);
  dashboard.start();
  dashboard.start();
  const viewers = await Promise.all(
    Array.from({ length: 5 }, () => Viewer.open(dashboard)),
  );
  assert.equal(clock.pending, 1);
  const before = figures.reads;
  await clock.advance(10_000);
  assert.equal(figures.reads - before, 10);
  assert.equal(dashboard.viewers, 5);
  await Promise.all(viewers.map((viewer) => viewer.leave()));
  assert.equal(dashboard.viewers, 0);
  dashboard.close();
  assert.equal(clock.pending, 0);
});

Deno.test("the first viewer starts what nobody has started", async () => {
  const { dashboard, clock } = make();
  const viewer = await Viewer.open(dashboard);
  assert.deepEqual((await viewer.next())!.data.points, []);
  await clock.advance(1_000);
  assert.ok((await viewer.next())!.data.point);
  dashboard.close();
});

Deno.test("there is a limit to viewers", async () => {
  const { dashboard } = make({ maxViewers: 2 });
  const first = await Viewer.open(dashboard);
  await Viewer.open(dashboard);
  const refused = await ask(dashboard, "/dashboard/events");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "5");
  assert.equal(await refused.text(), "too many viewers");
  await first.leave();
  await Viewer.open(dashboard);
  assert.equal(dashboard.viewers, 2);
  dashboard.close();
  assert.throws(() => make({ maxViewers: 0 }), InvalidOptionError);
});

Deno.test("a slow viewer misses samples, but never the latest", async () => {
  const { dashboard, clock } = make();
  const viewer = await Viewer.open(dashboard);
  await clock.advance(20_000);
  assert.equal((await viewer.next())?.event, "history");
  const late = await viewer.next();
  await clock.advance(1_000);
  const next = await viewer.next();
  assert.equal(
    next!.data.metrics!.uptime_seconds - late!.data.metrics!.uptime_seconds,
    1,
    "the sample before was the latest",
  );
  dashboard.close();
});

Deno.test("a viewer that has stopped reading loses its place", async () => {
  const { dashboard, clock } = make({ maxViewers: 1 });
  const stuck = await Viewer.open(dashboard);
  await clock.advance(30_000);
  assert.equal(dashboard.viewers, 1);
  await clock.advance(1_000);
  assert.equal(dashboard.viewers, 0);
  await clock.advance(5_000);
  assert.equal((await stuck.next())?.event, "history");
  assert.equal(await stuck.next(), undefined);
  dashboard.close();
});

Deno.test("a client that never reads its socket piles nothing up", async () => {
  const { dashboard, clock } = make({}, {
    tools: Array.from({ length: 500 }, (_, at) => `tool_${at}`),
  });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => dashboard.handle(request)!,
  );
  const socket = await Deno.connect({ port: server.addr.port });
  await socket.write(
    new TextEncoder().encode(
      "GET /dashboard/events HTTP/1.1\r\nhost: x\r\n\r\n",
    ),
  );
  await eventually(() => dashboard.viewers === 1);
  await eventually(async () => {
    await clock.advance(1_000);
    return dashboard.viewers === 0;
  });
  // The system's own buffers took some; what they don't take is dropped.
  assert.ok(clock.now() < 200_000, `${clock.now()} ms`);
  dashboard.close();
  socket.close();
  await server.shutdown();
});

Deno.test("closing ends all streams, and no new one begins", async () => {
  const { dashboard, clock } = make();
  const viewer = await Viewer.open(dashboard);
  await viewer.next();
  dashboard.close();
  assert.equal(await viewer.next(), undefined);
  assert.equal(dashboard.viewers, 0);
  assert.equal((await ask(dashboard, "/dashboard/events")).status, 503);
  dashboard.start();
  assert.equal(clock.pending, 0);
  dashboard.close();
  await dashboard[Symbol.asyncDispose]();
});

Deno.test("health is checked only while somebody looks, not every second", async () => {
  const { dashboard, clock, figures } = make();
  let rounds = 0;
  const report = figures.healthReport;
  figures.health = () => (rounds++, Promise.resolve(report));
  dashboard.start();
  await clock.advance(60_000);
  assert.equal(rounds, 0);
  const viewer = await Viewer.open(dashboard);
  await clock.advance(20_000);
  assert.equal(rounds, 5);
  await viewer.leave();
  await clock.advance(60_000);
  assert.equal(rounds, 5);
  dashboard.close();
});

Deno.test("a check that hangs holds up nothing, and isn't asked twice", async () => {
  const { dashboard, clock, figures } = make();
  let rounds = 0;
  const hanging = Promise.withResolvers<HealthReportLike>();
  figures.health = () => (rounds++, hanging.promise);
  const viewer = await Viewer.open(dashboard);
  await viewer.next();
  for (let second = 0; second < 20; second++) {
    await clock.advance(1_000);
    assert.equal((await viewer.next())!.data.health, null);
  }
  assert.equal(rounds, 1);
  hanging.resolve(figures.healthReport);
  await clock.advance(1_000);
  assert.equal((await viewer.next())!.data.health?.status, "degraded");
  dashboard.close();
});

Deno.test("a source that throws is reported, and the next second is another", async () => {
  const { dashboard, clock, figures } = make();
  const viewer = await Viewer.open(dashboard);
  const before = (await viewer.next())!.data.metrics;
  const broken = new Error("no figures");
  const metrics = figures.metrics;
  figures.metrics = () => {
    throw broken;
  };
  figures.health = () => Promise.reject(broken);
  await clock.advance(5_000);
  assert.deepEqual(figures.failures, Array(6).fill(broken));
  figures.metrics = metrics;
  await clock.advance(1_000);
  const { point, metrics: after } = (await viewer.next())!.data;
  assert.equal(after!.uptime_seconds - before!.uptime_seconds, 1);
  assert.ok(point.requests < 300, "a rate over the six seconds");
  dashboard.close();
});

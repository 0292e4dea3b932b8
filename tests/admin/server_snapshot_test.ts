import assert from "node:assert/strict";
import { HealthRoutes } from "../../src/admin/health_routes.ts";
import { ServerSnapshot } from "../../src/admin/server_snapshot.ts";
import type {
  OperatorAnswers,
  OperatorQuestion,
  OperatorSource,
} from "../../src/admin/operator_source.ts";
import { Logger } from "../../src/observe/log/logger.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A server elsewhere that answers, or is blocked. */
class Elsewhere implements OperatorSource {
  readonly clock = new FakeClock();
  readonly answers: Partial<OperatorAnswers> = {};
  readonly asked: string[] = [];
  ms = 0;
  readonly snapshot = new ServerSnapshot(this, {
    info: { name: "elsewhere", version: "1.2.3" },
    options: { metrics: true },
  }, { log: new Logger(() => {}), clock: this.clock });

  blockedMs(): number {
    return this.ms;
  }

  ask<Name extends keyof OperatorAnswers>(
    name: Name,
    { format }: OperatorQuestion = {},
  ): Promise<OperatorAnswers[Name] | undefined> {
    this.asked.push(format ?? name);
    return Promise.resolve(
      this.ms > 0 ? undefined : this.answers[name] as OperatorAnswers[Name],
    );
  }
}

Deno.test("metrics of a blocked server are the last that were read, in the form in which they were", async () => {
  const there = new Elsewhere();
  there.answers.metricsText = "# TYPE a counter\na_total 1\n# EOF\n";
  const { text } = await there.snapshot.page("openmetrics");
  assert.match(text, /^a_total 1$/m);
  assert.match(text, /^metrics_age_seconds 0$/m);
  there.ms = 2_300;
  await there.clock.advance(4_000);
  for (const format of ["openmetrics", "prometheus"] as const) {
    const page = await there.snapshot.page(format);
    assert.equal(page.format, "openmetrics");
    assert.match(page.text, /^a_total 1$/m);
    assert.match(page.text, /^metrics_age_seconds 4$/m);
    assert.match(page.text, /^event_loop_current_block_seconds 2.3$/m);
    assert.equal(page.text.match(/# EOF/g)?.length, 1);
  }
});

Deno.test("scrapes that come in a moment ask a server once for each format, and tell how old it is", async () => {
  const there = new Elsewhere();
  const { snapshot, clock, asked } = there;
  there.answers.metricsText = "a 1\n";
  there.answers.metricsDocument = {
    requests_total: 1,
  } as OperatorAnswers["metricsDocument"];
  const scrape = async () => {
    const [{ text }] = await Promise.all([
      snapshot.page("prometheus"),
      snapshot.page("prometheus"),
      snapshot.page("openmetrics"),
      snapshot.read(),
      snapshot.read(),
    ]);
    return text;
  };
  const formats = ["prometheus", "openmetrics", "metricsDocument"];
  assert.match(await scrape(), /^metrics_age_seconds 0$/m);
  await clock.advance(90);
  there.ms = 700;
  const later = await scrape();
  assert.match(later, /^a 1\n/);
  assert.match(later, /^metrics_age_seconds 0.09$/m);
  assert.match(later, /^event_loop_current_block_seconds 0.7$/m);
  assert.deepEqual(asked, formats);
  there.ms = 0;
  there.answers.metricsText = "a 2\n";
  await clock.advance(10);
  assert.match(await scrape(), /^a 2\n.*^metrics_age_seconds 0$/ms);
  assert.deepEqual(asked, [...formats, ...formats]);
});

Deno.test("a scrape that failed is not given to the next", async () => {
  const there = new Elsewhere();
  there.ask = () => Promise.reject(new Error("no"));
  await assert.rejects(there.snapshot.page("prometheus"), /no/);
  await assert.rejects(there.snapshot.read(), /no/);
  there.ask = () => Promise.resolve(undefined);
  await there.snapshot.page("prometheus");
  await there.snapshot.read();
});

Deno.test("of a server that was blocked from the start, the metrics say at least that", async () => {
  const there = new Elsewhere();
  there.ms = 700;
  const { text } = await there.snapshot.page("prometheus");
  assert.match(text, /^event_loop_current_block_seconds 0.7$/m);
  assert.doesNotMatch(text, /^metrics_age_seconds/m);
  assert.deepEqual(await there.snapshot.read(), {
    metrics_age_seconds: null,
    event_loop_current_block_seconds: 0.7,
  });
});

Deno.test("who was let in may come back while the server is blocked, for five minutes", async () => {
  const there = new Elsewhere();
  const request = (key: string, url = "http://localhost/metrics") =>
    new Request(url, { headers: { "x-key": key } });
  const isAdmitted = async (each: Request, address = "192.0.2.1") => {
    const verdict = await there.snapshot.authorize(each, address);
    return verdict instanceof Response ? verdict.status : verdict;
  };
  there.answers.authorize = true;
  assert.equal(await isAdmitted(request("good")), true);
  assert.equal(await isAdmitted(request("revoked")), true);
  there.answers.authorize = false;
  assert.equal(await isAdmitted(request("bad")), false);
  assert.equal(await isAdmitted(request("revoked")), false);
  there.ms = 1_000;
  assert.equal(await isAdmitted(request("good")), true);
  assert.equal(await isAdmitted(request("good", "http://localhost/x")), 503);
  assert.equal(await isAdmitted(request("good"), "192.0.2.2"), 503);
  assert.equal(await isAdmitted(request("bad")), 503);
  assert.equal(await isAdmitted(request("revoked")), 503);
  await there.clock.advance(299_999);
  assert.equal(await isAdmitted(request("good")), true);
  await there.clock.advance(1);
  assert.equal(await isAdmitted(request("good")), 503);
});

Deno.test("no more than a hundred admitted requests are remembered", async () => {
  const there = new Elsewhere();
  const authorize = (at: number) =>
    there.snapshot.authorize(
      new Request(`http://localhost/?${at}`),
      undefined,
    );
  there.answers.authorize = true;
  for (let at = 0; at <= 100; at++) {
    await authorize(at);
  }
  there.ms = 1_000;
  assert.ok(await authorize(0) instanceof Response);
  assert.equal(await authorize(1), true);
});

Deno.test("a blocked server isn't ready, and alive for half a minute", async () => {
  const there = new Elsewhere();
  const routes = new HealthRoutes(there.snapshot);
  const probe = async (path: string) => {
    const request = new Request(`http://localhost${path}`);
    const response = await routes.handle(request, path, true)!;
    const { status, message } = await response.json();
    return [response.status, status, message];
  };
  there.answers.readiness = "ready";
  assert.deepEqual(await probe("/health/ready"), [200, "ready", undefined]);
  assert.deepEqual(await probe("/health"), [200, "healthy", undefined]);
  there.ms = 29_960;
  const message = "event loop blocked for 30.0 s";
  assert.deepEqual(await probe("/health"), [200, "blocked", message]);
  assert.deepEqual(await probe("/health/ready"), [503, "blocked", message]);
  there.ms = 30_000;
  assert.deepEqual(await probe("/health"), [503, "blocked", message]);
});

Deno.test("the health of a blocked server is what was found last, and that it is blocked", async () => {
  const there = new Elsewhere();
  const db = {
    status: "healthy" as const,
    latency_ms: 1,
    checked_at: "2026-01-01T00:00:00.000Z",
  };
  there.answers.health = {
    status: "healthy",
    timestamp: db.checked_at,
    version: "1.2.3",
    uptime_seconds: 7,
    checks: { db },
  };
  assert.equal((await there.snapshot.health.run()).status, "healthy");
  there.ms = 600;
  const { status, uptime_seconds, checks } = await there.snapshot.health.run();
  assert.deepEqual([status, uptime_seconds], ["unhealthy", 7]);
  assert.deepEqual(checks.db, db);
  assert.equal(checks.event_loop.message, "event loop blocked for 0.6 s");
});

import assert from "node:assert/strict";
import {
  type HealthCheckFunction,
  HealthChecks,
  InvalidOptionError,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

function setUp(options = {}): { health: HealthChecks; clock: FakeClock } {
  const clock = new FakeClock();
  return { health: new HealthChecks({ clock, ...options }), clock };
}

async function only(check: HealthCheckFunction): Promise<unknown[]> {
  const { health } = setUp();
  health.add("it", check);
  const { status, checks } = await health.run();
  return [checks.it.status, checks.it.message, status];
}

Deno.test("what a check answers, or throws, is its result", async () => {
  const cases: [HealthCheckFunction, unknown[]][] = [
    [() => {}, ["healthy", undefined, "healthy"]],
    [() => true, ["healthy", undefined, "healthy"]],
    [() => Promise.resolve(false), ["unhealthy", undefined, "unhealthy"]],
    [() => "degraded", ["degraded", undefined, "degraded"]],
    [() => "not_configured", ["not_configured", undefined, "healthy"]],
    [
      () => ({ status: "degraded", message: "slow" }),
      ["degraded", "slow", "degraded"],
    ],
    [() => {
      throw new Error("gone");
    }, ["unhealthy", "gone", "unhealthy"]],
    [() => Promise.reject("no error"), ["unhealthy", "no error", "unhealthy"]],
  ];
  for (const [check, expected] of cases) {
    assert.deepEqual(await only(check), expected);
  }
});

Deno.test("an answer that says nothing is unhealthy, by a named error", async () => {
  const nonsense = ["fine", 1, null, {}, { status: "ok" }, [], {
    status: "healthy",
    message: 7,
  }];
  for (const answer of nonsense) {
    const [status, message] = await only(() => answer as never);
    assert.equal(status, "unhealthy");
    assert.match(String(message), /^the health check "it" must answer with/);
  }
});

Deno.test("the whole is as well as its critical parts", async () => {
  const { health } = setUp({ version: "1.2.3", cacheMs: 0 });
  assert.equal((await health.run()).status, "healthy");
  health.add("a", () => "healthy");
  const cache = health.add("cache", () => false, { critical: false });
  assert.equal((await health.run()).status, "degraded");
  cache.remove();
  assert.equal((await health.run()).status, "healthy");
  using _slow = health.add("slow", () => "degraded");
  assert.equal((await health.run()).status, "degraded");
  health.add("db", () => false);
  const report = await health.run();
  assert.equal(report.status, "unhealthy");
  assert.equal(report.version, "1.2.3");
  assert.deepEqual(Object.keys(report.checks), ["a", "slow", "db"]);
});

Deno.test("a report tells times", async () => {
  const { health, clock } = setUp();
  health.add("slow", (signal) =>
    new Promise((resolve) => {
      clock.setTimeout(() => resolve(signal.aborted ? false : true), 250);
    }));
  await clock.advance(1_500);
  const report = health.run();
  await clock.advance(250);
  const { timestamp, uptime_seconds, checks: { slow } } = await report;
  assert.equal(uptime_seconds, 1.75);
  assert.equal(slow.latency_ms, 250);
  assert.equal(slow.status, "healthy");
  for (const time of [timestamp, slow.checked_at]) {
    assert.equal(new Date(time).toISOString(), time);
  }
  assert.equal(clock.pending, 0);
});

Deno.test("a check that hangs holds nothing up, and isn't started again before it returns", async () => {
  const { health, clock } = setUp({ timeoutMs: 500 });
  const gate = Promise.withResolvers<void>();
  let started = 0;
  let signal: AbortSignal | undefined;
  health.add("hangs", (given) => {
    started++;
    signal = given;
    return gate.promise;
  });
  health.add("fine", () => {});
  const first = health.run();
  await clock.advance(500);
  const { checks, status } = await first;
  assert.equal(status, "unhealthy");
  assert.equal(checks.fine.status, "healthy");
  assert.equal(
    checks.hangs.message,
    'the check "hangs" took longer than 500 ms',
  );
  assert.equal(signal!.aborted, true);
  for (let runs = 0; runs < 100; runs++) {
    await clock.advance(1_000);
    const { checks: { hangs } } = await health.run();
    assert.equal(hangs.status, "unhealthy");
    assert.match(hangs.message!, /asked \d+ ms ago and still hangs/);
  }
  assert.equal(started, 1);
  assert.equal(clock.pending, 0);
  gate.resolve();
  await clock.advance(1_000);
  assert.equal((await health.run()).status, "healthy");
  assert.equal(started, 2);
});

Deno.test("a check that heeds its signal is told why, and may run again", async () => {
  const { health, clock } = setUp({ cacheMs: 0 });
  let started = 0;
  health.add("heeds", (signal) => {
    started++;
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }, { timeoutMs: 50 });
  for (let runs = 1; runs <= 3; runs++) {
    const report = health.run();
    await clock.advance(50);
    assert.match((await report).checks.heeds.message!, /longer than 50 ms/);
    assert.equal(started, runs);
  }
});

Deno.test("those who ask at once share a run, and for a moment its report", async () => {
  const { health, clock } = setUp({ cacheMs: 1_000 });
  let started = 0;
  health.add("counted", async () => {
    started++;
    await Promise.resolve();
  });
  const reports = await Promise.all(
    Array.from({ length: 1_000 }, () => health.run()),
  );
  assert.equal(started, 1);
  assert.equal(new Set(reports).size, 1);
  await clock.advance(999);
  assert.equal(await health.run(), reports[0]);
  await clock.advance(1);
  assert.notEqual(await health.run(), reports[0]);
  assert.equal(started, 2);
  health.add("new", () => {});
  assert.deepEqual(Object.keys((await health.run()).checks), [
    "counted",
    "new",
  ]);
});

Deno.test("checks run concurrently", async () => {
  const { health, clock } = setUp();
  for (let i = 0; i < 20; i++) {
    health.add(
      `c${i}`,
      () => new Promise<void>((resolve) => clock.setTimeout(resolve, 100)),
    );
  }
  const report = health.run();
  await clock.advance(100);
  assert.equal((await report).status, "healthy");
});

Deno.test("who asks may give up; the others still get the report", async () => {
  const { health, clock } = setUp();
  health.add(
    "slow",
    () => new Promise<void>((resolve) => clock.setTimeout(resolve, 100)),
  );
  const controller = new AbortController();
  const given = health.run({ signal: controller.signal });
  const other = health.run();
  controller.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await clock.advance(100);
  assert.equal((await other).status, "healthy");
});

Deno.test("misuse is refused by name", () => {
  const { health } = setUp();
  health.add("db", () => {});
  const refused = (act: () => void, message: RegExp) =>
    assert.throws(
      act,
      (error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  refused(() => health.add("db", () => {}), /named "db" already/);
  refused(() => health.add("", () => {}), /isn't empty, got ""/);
  refused(() => health.add("x", "healthy" as never), /"x" must be a function/);
  refused(() => health.add("x", () => {}, { timeoutMs: 0 }), /timeoutMs/);
  refused(() => new HealthChecks({ cacheMs: -1 }), /health\.cacheMs .* got -1/);
  refused(() => new HealthChecks({ timeoutMs: NaN }), /health\.timeoutMs/);
});

Deno.test("what can tell its own health is adopted under its key, unless the name is taken", async () => {
  const { health } = setUp();
  health.add("mine", () => "degraded");
  const owner = {
    db: { checkHealth: () => false },
    cache: { checkHealth: () => false, healthCritical: false },
    lazy: Object.assign(() => {}, { checkHealth: () => "not_configured" }),
    mine: { checkHealth: () => false },
    plain: 1,
    nothing: null,
    get trap() {
      throw new Error("nobody should look");
    },
  };
  const adopted = health.adopt(owner);
  health.add("db", () => true);
  const { status, checks } = await health.run();
  assert.equal(status, "degraded");
  const found = Object.entries(checks).map(([name, { status }]) => [
    name,
    status,
  ]);
  assert.deepEqual(Object.fromEntries(found), {
    db: "healthy",
    cache: "unhealthy",
    lazy: "not_configured",
    mine: "degraded",
  });
  adopted[Symbol.dispose]();
  assert.deepEqual(Object.keys((await health.run()).checks), ["mine", "db"]);
  for (const nothing of [undefined, null, 7, "text", () => {}]) {
    health.adopt(nothing);
  }
});

Deno.test("others' checks are reported under their prefix, as they come and go", async () => {
  const { health, clock } = setUp();
  const inner = new HealthChecks({ clock });
  health.add("a_own", () => "degraded");
  health.mount("a", inner);
  inner.add("own", () => false);
  const db = inner.add("db", () => {});
  const names = async () => Object.keys((await health.run()).checks);
  assert.deepEqual(await names(), ["a_own", "a_db"]);
  db.remove();
  assert.deepEqual(await names(), ["a_own"]);
});

Deno.test("a change is told of once, and what listens can't spoil a report", async () => {
  const told: string[] = [];
  const { health } = setUp({
    cacheMs: 0,
    onChange: (name: string, { status }: { status: string }, was: string) => {
      told.push(`${name}: ${was} → ${status}`);
      throw new Error("spoiled");
    },
  });
  let well = true;
  health.add("a", () => well);
  health.add("b", () => "degraded");
  for (const next of [true, false, false, true]) {
    well = next;
    await health.run();
  }
  assert.deepEqual(told, [
    "b: undefined → degraded",
    "a: healthy → unhealthy",
    "a: unhealthy → healthy",
  ]);
});

Deno.test("a message is bounded, and shows no password", async () => {
  const [, message] = await only(() => {
    throw new Error(`postgres://ada:hush@db/x ${"x".repeat(10_000)}`);
  });
  assert.ok(String(message).length < 600);
  assert.doesNotMatch(String(message), /hush/);
});

Deno.test("closing ends what is under way, asks no more, and is no news", async () => {
  const clock = new FakeClock();
  const news: string[] = [];
  const health = new HealthChecks({
    clock,
    onChange: (name) => news.push(name),
  });
  let asked = 0;
  let signal: AbortSignal | undefined;
  health.add("hangs", (given) => {
    asked++;
    signal = given;
    return new Promise(() => {});
  });
  const report = health.run();
  health.close();
  assert.equal((await report).checks.hangs.status, "unhealthy");
  assert.equal(signal?.aborted, true);
  clock.advance(10_000);
  assert.match((await health.run()).checks.hangs.message!, /closed|hangs/);
  assert.equal(asked, 1);
  assert.deepEqual(news, []);
});

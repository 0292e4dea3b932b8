import assert from "node:assert/strict";
import { drain, quiet } from "../../src/host/drain.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** What a drain tells a server, with the time at which it does. */
function watched(clock: FakeClock) {
  const told: string[] = [];
  return {
    told,
    drain: () => void told.push(`drain ${clock.now()}`),
    close: () => void told.push(`close ${clock.now()}`),
  };
}

/** Lets a fake clock run until a promise resolves; says at what time that was. */
async function timeOf(done: Promise<void>, clock: FakeClock): Promise<number> {
  let at: number | undefined;
  done.then(() => at = clock.now());
  while (at === undefined) await clock.advance(1);
  return at;
}

Deno.test("a drain serves on, then turns new work away in its last part", async () => {
  for (
    const [drainMs, refusesAt] of [[2_000, 1_800], [20_000, 19_000], [20, 18]]
  ) {
    const clock = new FakeClock();
    const server = watched(clock);
    const took = await timeOf(drain(server, drainMs, clock), clock);
    assert.deepEqual(server.told, ["drain 0", `close ${refusesAt}`]);
    assert.equal(took, drainMs);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("a drain of no time says only that requests should go elsewhere", async () => {
  const clock = new FakeClock();
  const server = watched(clock);
  await drain(server, 0, clock);
  assert.deepEqual(server.told, ["drain 0"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a listener closes once no request has come for 20 ms", async () => {
  const clock = new FakeClock();
  assert.equal(await timeOf(quiet(() => 7, clock), clock), 20);
});

Deno.test("requests put the close of a listener off, but for a tenth of a second at most", async () => {
  const clock = new FakeClock();
  const untilMs = (ms: number) => () => Math.min(clock.now(), ms);
  assert.equal(await timeOf(quiet(untilMs(42), clock), clock), 65);
  const other = new FakeClock();
  assert.equal(await timeOf(quiet(() => other.now(), other), other), 100);
  assert.equal(other.pending, 0);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { LoopBacklog } from "../../src/server/admission/loop_backlog.ts";
import { BusyLoop } from "../support/busy_loop.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A server's loop. */
class ServerLoop extends BusyLoop {
  readonly backlog = new LoopBacklog(this, 250);

  constructor() {
    super();
    this.backlog.watch();
  }

  /** Serves what is ready in one turn, and tells how many were let in. */
  turn(requests: number, eachMs: number): number {
    let served = 0;
    for (let request = 0; request < requests; request++) {
      if (this.backlog.isOver(this.now())) continue;
      served++;
      this.compute(eachMs);
    }
    this.endTurn();
    return served;
  }
}

Deno.test("nothing is refused, and no timer runs, before the loop is watched", async () => {
  const clock = new FakeClock();
  const backlog = new LoopBacklog(clock, 100);
  for (let request = 0; request < 100; request++) {
    assert.equal(backlog.isOver(clock.now()), false);
    await clock.advance(50);
  }
  assert.equal(clock.pending, 0);
});

Deno.test("an idle server has no timer", () => {
  const loop = new ServerLoop();
  assert.equal(loop.pending, 0);
  loop.turn(1, 1);
  loop.endTurn();
  assert.equal(loop.pending, 0);
});

Deno.test("a burst on a quiet server is served, up to twenty times the bound", () => {
  const loop = new ServerLoop();
  assert.equal(loop.turn(10, 500), 10);
  loop.endTurn();
  loop.endTurn();
  // 5 s, and the longest piece of them.
  assert.equal(loop.turn(2_000, 10), 502);
});

Deno.test("who waited behind one long piece of computing is served", () => {
  const loop = new ServerLoop();
  loop.backlog.isOver(loop.now());
  loop.compute(60_000);
  assert.equal(loop.turn(1_000, 0.05), 1_000);
});

Deno.test("while more comes than is served, turns get short, and stay so", () => {
  const loop = new ServerLoop();
  let ready = 1;
  const served: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    served.push(loop.turn(ready, 10));
    // Ten times as many come as can be served.
    ready = served.at(-1)! * 10;
  }
  assert.deepEqual(served.slice(0, 8), [1, 10, 100, 27, 14, 8, 5, 3]);
  assert.ok(served.slice(8).every((count) => count === 3), String(served));
});

Deno.test("turns without a refusal end it by and by, one without a request at once", () => {
  const loop = new ServerLoop();
  loop.turn(100, 10);
  assert.equal(loop.turn(100, 10), 27);
  assert.equal(loop.turn(100, 10), 14);
  assert.equal(loop.turn(5, 10), 5);
  assert.equal(loop.turn(100, 10), 14);
  assert.equal(loop.turn(100, 10), 8);
  for (let turn = 0; turn < 4; turn++) assert.equal(loop.turn(1, 10), 1);
  assert.equal(loop.turn(100, 10), 100);
  assert.equal(loop.turn(100, 10), 27);
  loop.turn(0, 10);
  assert.equal(loop.turn(100, 10), 100);
});

Deno.test("what a proxy has kept for long is refused first, but not by its word alone", () => {
  const loop = new ServerLoop();
  assert.equal(loop.backlog.isOver(loop.now(), 60_000), false);
  loop.turn(100, 10);
  assert.equal(loop.backlog.isOver(loop.now(), 251), true);
  assert.equal(loop.backlog.isOver(loop.now(), 249), false);
  loop.endTurn();
  // A clock that is wrong doesn't make a load of its own.
  assert.equal(loop.backlog.isOver(loop.now(), 60_000), false);
});

Deno.test("closing ends the watch", () => {
  const loop = new ServerLoop();
  loop.turn(100, 10);
  loop.backlog.isOver(loop.now());
  loop.backlog.close();
  assert.equal(loop.pending, 0);
  assert.equal(loop.turn(1_000, 100), 1_000);
});

Deno.test("whatever comes, no turn exceeds its bound but for its longest piece", () => {
  const pieces = fc.array(fc.array(fc.integer({ min: 0, max: 900 })));
  fc.assert(fc.property(pieces, (turns) => {
    const loop = new ServerLoop();
    for (const turn of turns) {
      let ranMs = 0;
      let longest = 0;
      let last = 0;
      for (const ms of turn) {
        if (loop.backlog.isOver(loop.now())) continue;
        loop.compute(ms);
        ranMs += ms;
        longest = Math.max(longest, ms);
        last = ms;
      }
      assert.ok(ranMs - last <= 5_000 + longest, `${ranMs}`);
      loop.endTurn();
    }
    loop.endTurn();
    loop.endTurn();
    assert.equal(loop.pending, 0);
  }));
});

import assert from "node:assert/strict";
import {
  type Admission,
  type CallOutcome,
  Circuit,
  circuitValues,
} from "../../src/limit/circuit.ts";
import { FakeClock } from "../support/fake_clock.ts";

function make({ failures = 3, openMs = 100 } = {}) {
  const clock = new FakeClock();
  const changes: string[] = [];
  const circuit = new Circuit({
    failures,
    openMs,
    clock,
    onChange: (state) => changes.push(state),
  });
  const call = (outcome: CallOutcome): void => enter(circuit).end(outcome);
  return { circuit, clock, changes, call };
}

function enter(circuit: Circuit): Admission {
  const admission = circuit.enter();
  assert(admission !== undefined, "let through");
  return admission;
}

Deno.test("a circuit opens after so many failures in a row", () => {
  const { circuit, changes, call } = make();
  for (const outcome of ["failure", "failure", "success"] as const) {
    call(outcome);
  }
  for (const outcome of ["failure", "unknown", "failure"] as const) {
    call(outcome);
  }
  assert.equal(circuit.state, "closed");
  call("failure");
  assert.deepEqual(circuit.stats, { state: "open", opened: 1, refused: 0 });
  assert.equal(circuit.enter(), undefined);
  assert.deepEqual(circuit.stats, { state: "open", opened: 1, refused: 1 });
  assert.deepEqual(changes, ["open"]);
});

Deno.test("after openMs one call tries, and closes the circuit", async () => {
  const { circuit, clock, changes, call } = make({ failures: 1 });
  call("failure");
  await clock.advance(99);
  assert.equal(circuit.enter(), undefined);
  await clock.advance(1);
  assert.equal(circuit.state, "open", "until a call comes");
  const trial = enter(circuit);
  assert.equal(circuit.state, "half-open");
  assert.equal(circuit.enter(), undefined, "one at a time");
  trial.end("success");
  assert.equal(circuit.state, "closed");
  call("success");
  assert.deepEqual(changes, ["open", "closed"]);
});

Deno.test("it refuses until a trial is due, and while one is out", async () => {
  const { circuit, clock, call } = make({ failures: 1 });
  assert.equal(circuit.isRefusing, false);
  call("failure");
  assert.equal(circuit.isRefusing, true);
  await clock.advance(100);
  assert.equal(circuit.isRefusing, false);
  const trial = enter(circuit);
  assert.equal(circuit.isRefusing, true);
  trial.end("success");
  assert.equal(circuit.isRefusing, false);
});

Deno.test("a trial that fails or proves nothing leaves it open", async () => {
  for (const outcome of ["failure", "unknown"] as const) {
    const { circuit, clock, changes, call } = make({ failures: 1 });
    call("failure");
    await clock.advance(100);
    call(outcome);
    assert.equal(circuit.state, "open");
    await clock.advance(99);
    assert.equal(circuit.enter(), undefined);
    await clock.advance(1);
    call("success");
    assert.equal(circuit.state, "closed");
    assert.deepEqual(changes, ["open", "closed"]);
    assert.equal(circuit.stats.opened, 1);
  }
});

Deno.test("failures count anew once it has closed", async () => {
  const { circuit, clock, call } = make({ failures: 2 });
  call("failure");
  call("failure");
  await clock.advance(100);
  call("success");
  call("failure");
  assert.equal(circuit.state, "closed");
});

Deno.test("what began before it changed doesn't count any more", async () => {
  const { circuit, clock, call } = make({ failures: 1 });
  const [early, late, lost] = [enter(circuit), enter(circuit), enter(circuit)];
  call("failure");
  early.end("success");
  assert.equal(circuit.state, "open");
  await clock.advance(100);
  const trial = enter(circuit);
  late.end("failure");
  assert.equal(circuit.state, "half-open", "the trial is still out");
  trial.end("success");
  lost.end("failure");
  assert.equal(circuit.state, "closed");
});

Deno.test("only the first end of a call counts", () => {
  const { circuit } = make({ failures: 2 });
  const first = enter(circuit);
  first.end("failure");
  first.end("success");
  enter(circuit).end("failure");
  assert.equal(circuit.state, "open");
  const { circuit: other } = make({ failures: 2 });
  const again = enter(other);
  again.end("failure");
  again.end("failure");
  assert.equal(other.state, "closed");
});

Deno.test("its owner may open it, and try before its time", async () => {
  const { circuit, clock, changes } = make();
  circuit.trip();
  await clock.advance(60);
  circuit.trip();
  await clock.advance(60);
  assert.equal(circuit.enter(), undefined, "the time begins anew");
  const forgotten = circuit.tryNow();
  const trial = circuit.tryNow();
  forgotten.end("success");
  assert.equal(circuit.state, "half-open");
  trial.end("success");
  assert.equal(circuit.state, "closed");
  circuit.tryNow().end("unknown");
  assert.equal(circuit.state, "closed");
  assert.deepEqual(changes, ["open", "closed"]);
});

Deno.test("operators see which state it is in", () => {
  const { circuit } = make();
  const shown = () => circuitValues(circuit.stats);
  assert.deepEqual(shown(), { open: 0, half_open: 0, opened: 0, refused: 0 });
  circuit.trip();
  circuit.enter();
  assert.deepEqual(shown(), { open: 1, half_open: 0, opened: 1, refused: 1 });
  circuit.tryNow();
  assert.deepEqual(shown(), { open: 0, half_open: 1, opened: 1, refused: 1 });
});

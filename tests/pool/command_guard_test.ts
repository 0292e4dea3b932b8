import assert from "node:assert/strict";
import { TimeoutError } from "../../src/base/errors.ts";
import { CommandGuard } from "../../src/pool/postgres/command_guard.ts";
import type { PostgresConnection } from "../../src/pool/postgres/postgres_driver.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A connection whose statement ends when a test says so. */
class FakeConnection implements PostgresConnection {
  state: "idle" | "transaction" | "broken" = "idle";
  cancels = 0;
  /** How the next requests to cancel go. */
  onCancel: () => Promise<void> = () => Promise.resolve();
  readonly statement: PromiseWithResolvers<string> = Promise.withResolvers();

  cancel(): Promise<void> {
    this.cancels++;
    return this.onCancel();
  }

  destroy(): void {
    this.state = "broken";
    this.statement.reject(new Error("destroyed"));
  }

  query(): never {
    throw new Error("not used");
  }
  script(): never {
    throw new Error("not used");
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function guarded(commandTimeoutMs = Infinity) {
  const clock = new FakeClock();
  const connection = new FakeConnection();
  const guard = new CommandGuard({
    clock,
    commandTimeoutMs,
    cancelTimeoutMs: 1_000,
  });
  const controller = new AbortController();
  const { signal } = controller;
  const run = (timeoutMs?: number) =>
    guard.run(connection, () => connection.statement.promise, {
      signal,
      timeoutMs,
    });
  return { clock, connection, guard, controller, run };
}

Deno.test("a statement in time gives its result and leaves no timer", async () => {
  const { clock, connection, guard, run } = guarded(1_000);
  const result = run(500);
  connection.statement.resolve("rows");
  assert.equal(await result, "rows");
  guard.close();
  assert.equal(clock.pending, 0);
  assert.equal(connection.cancels, 0);
});

Deno.test("a request that came before the statement had begun is repeated", async () => {
  const { clock, connection, controller, run } = guarded();
  const result = assert.rejects(run(), /enough/);
  controller.abort(new Error("enough"));
  await clock.advance(10);
  assert.equal(connection.cancels, 2);
  connection.statement.reject(new Error("canceling statement"));
  await result;
  await clock.advance(10_000);
  assert.equal(connection.cancels, 2);
  assert.equal(connection.state, "idle");
  assert.equal(clock.pending, 0);
});

Deno.test("a statement that ended before it could be cancelled gives its result", async () => {
  const { connection, controller, run } = guarded();
  const result = run();
  controller.abort();
  connection.statement.resolve("rows");
  assert.equal(await result, "rows");
});

Deno.test("nothing else runs while a request to cancel is on its way", async () => {
  const { clock, connection, controller, run } = guarded();
  const delivered = Promise.withResolvers<void>();
  connection.onCancel = () => delivered.promise;
  let settled = false;
  const result = run().finally(() => settled = true);
  controller.abort();
  connection.statement.resolve("rows");
  await clock.advance(100);
  assert.equal(settled, false);
  delivered.resolve();
  assert.equal(await result, "rows");
  assert.equal(connection.state, "idle");
});

Deno.test("a server that doesn't end the statement loses the connection", async () => {
  const { clock, connection, run } = guarded();
  const result = assert.rejects(run(50), TimeoutError);
  await clock.advance(50 + 999);
  assert.equal(connection.state, "idle");
  await clock.advance(1);
  await result;
  assert.equal(connection.state, "broken");
  await clock.advance(10_000);
  assert.equal(clock.pending, 0);
});

Deno.test("a server that can't be asked to cancel loses the connection", async () => {
  for (
    const onCancel of [
      () => Promise.reject(new Error("unreachable")),
      () => new Promise<void>(() => {}),
    ]
  ) {
    const { clock, connection, controller, run } = guarded();
    connection.onCancel = onCancel;
    const result = assert.rejects(run(), /enough/);
    controller.abort(new Error("enough"));
    await clock.advance(1_000);
    await result;
    assert.equal(connection.state, "broken");
  }
});

Deno.test("commandTimeoutMs holds for a statement without a limit of its own", async () => {
  const { clock, connection, guard, run } = guarded(160);
  connection.onCancel = () => {
    connection.statement.reject(new Error("canceling statement"));
    return Promise.resolve();
  };
  const result = assert.rejects(run(), /took longer than 160 ms/);
  await clock.advance(159);
  assert.equal(connection.cancels, 0);
  await clock.advance(1);
  await result;
  assert.equal(guard.counters.commandTimeouts, 1);
  guard.close();
});

Deno.test("an aborted signal starts nothing", async () => {
  const { controller, guard, run } = guarded();
  controller.abort(new Error("before"));
  await assert.rejects(run(), /before/);
  assert.equal(guard.counters.commands, 0);
});

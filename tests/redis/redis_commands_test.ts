import assert from "node:assert/strict";
import { UnavailableError } from "../../mod.ts";
import { RedisCommands } from "../../src/redis/redis_commands.ts";
import type { RedisPort } from "../../src/redis/redis_port.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a Redis that refuses some commands is not lost and found with each", async () => {
  const changes: unknown[] = [];
  const full = new Error("OOM command not allowed");
  const port: Partial<RedisPort> = {
    command: ([name]) =>
      name === "GET" ? Promise.resolve("kept") : Promise.reject(full),
  };
  const commands = new RedisCommands({
    commands: port as RedisPort,
    timeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    clock: new FakeClock(),
    random: () => 0.5,
    onChange: (error) => void changes.push(error),
  });
  for (let i = 0; i < 3; i++) {
    assert.equal(await commands.send(["GET", "a"]), "kept");
    await assert.rejects(commands.send(["SET", "a", "b"]), UnavailableError);
  }
  assert.deepEqual(changes, []);
  commands.close();
});

Deno.test("a cluster of which one node is dead is lost once, and found when no command has failed for a while", async () => {
  const clock = new FakeClock();
  const changes: unknown[] = [];
  let isDead = true;
  const port: Partial<RedisPort> = {
    command: ([_, key]) =>
      key === "there" && isDead
        ? Promise.reject(new Error(""))
        : Promise.resolve("kept"),
  };
  const commands = new RedisCommands({
    commands: port as RedisPort,
    timeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    clock,
    random: () => 0.5,
    onChange: (error) => void changes.push(error),
  });
  assert.equal(commands.recentFailure, undefined);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(commands.send(["GET", "there"]), {
      name: "UnavailableError",
      message: /its client gave no reason but Error$/,
    });
    await clock.advance(4_000);
    await commands.send(["GET", "here"]);
    assert.match(commands.recentFailure!, /gave no reason/);
  }
  assert.equal(changes.length, 1);
  isDead = false;
  await clock.advance(1_000);
  assert.equal(commands.recentFailure, undefined);
  await commands.send(["GET", "there"]);
  assert.equal(changes.length, 2);
  assert.equal(changes[1], undefined);
  commands.close();
});

Deno.test("a code of the system's is no refusal of Redis", async () => {
  const refused = Object.assign(new AggregateError([]), {
    code: "ECONNREFUSED",
  });
  const commands = new RedisCommands({
    commands: { command: () => Promise.reject(refused) } as never,
    timeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    clock: new FakeClock(),
    random: () => 0.5,
    onChange: () => {},
  });
  await assert.rejects(commands.send(["GET", "a"]), {
    name: "UnavailableError",
    message: /ECONNREFUSED$/,
  });
  commands.close();
});

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

import assert from "node:assert/strict";
import type { RedisListener, RedisPort } from "../../src/redis/redis_port.ts";
import { RedisSubscriber } from "../../src/redis/redis_subscriber.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A subscriber of a Redis that delivers heartbeats when it is told to. */
function subscribed() {
  const clock = new FakeClock();
  const sent: string[] = [];
  let stoppedMs = 0;
  let hear: RedisListener = () => {};
  const told = { opened: 0, gaps: 0, messages: [] as string[] };
  const subscriber = new RedisSubscriber({
    open: () => {
      told.opened++;
      return Promise.resolve({
        subscribe(_channels, listener) {
          hear = listener;
          return Promise.resolve();
        },
        onLost() {},
        close: () => hear = () => {},
      } as Partial<RedisPort> as RedisPort);
    },
    channels: ["all"],
    inbox: "inbox",
    beat: (heartbeat) => Promise.resolve(sent.push(heartbeat)),
    heartbeatMs: 500,
    connectTimeoutMs: 2_000,
    // A process that was stopped finds the time far ahead of its timers.
    clock: {
      now: () => clock.now() + stoppedMs,
      setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
      clearTimeout: (handle) => clock.clearTimeout(handle),
    },
    random: () => 0.5,
    onMessage: (_channel, message) => void told.messages.push(message),
    onGap: () => void told.gaps++,
  });
  return {
    subscriber,
    clock,
    told,
    say: (message: string) => hear("all", message),
    deliver: () => sent.splice(0).forEach((each) => hear("inbox", each)),
    stop: (ms: number) => stoppedMs += ms,
  };
}

Deno.test("a process that was stopped hears what was said meanwhile, and misses nothing", async () => {
  const { subscriber, clock, told, say, deliver, stop } = subscribed();
  await clock.advance(0);
  deliver();
  assert.deepEqual(told, { opened: 1, gaps: 1, messages: [] });
  await clock.advance(400);
  stop(60_000);
  // Its timers come before what it has yet to read.
  await clock.advance(600);
  say("in the meantime");
  deliver();
  assert.deepEqual(told, {
    opened: 1,
    gaps: 1,
    messages: ["in the meantime"],
  });
  assert.ok(subscriber.provenAt > 60_000);
  subscriber.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a connection that brings no heartbeats back is given up", async () => {
  const { subscriber, clock, told, deliver } = subscribed();
  await clock.advance(0);
  deliver();
  await clock.advance(3_000);
  assert.equal(told.opened, 2);
  assert.equal(subscriber.provenAt, -Infinity);
  deliver();
  assert.equal(told.gaps, 2);
  subscriber.close();
});

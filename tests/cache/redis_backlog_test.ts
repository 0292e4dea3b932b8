import assert from "node:assert/strict";
import { Lifetimes } from "../../src/cache/lifetimes.ts";
import { RedisBacklog } from "../../src/cache/redis/redis_backlog.ts";
import { redisCodec } from "../../src/cache/redis/redis_codec.ts";
import { RedisEntries } from "../../src/cache/redis/redis_entries.ts";
import { RedisKeys } from "../../src/cache/redis/redis_keys.ts";
import {
  type RedisLink,
  unavailable,
} from "../../src/cache/redis/redis_link.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A way to Redis on which replies come when the test says so. */
class SlowLink {
  readonly closed = true;
  readonly replies: ((reply: unknown) => void)[] = [];

  send(): Promise<unknown> {
    return new Promise((resolve) => this.replies.push(resolve));
  }
}

Deno.test("what is made up for doesn't undo the change that is on its way", async () => {
  const clock = new FakeClock();
  const link = new SlowLink();
  const madeUpFor: unknown[] = [];
  const backlog = new RedisBacklog({
    send: (command) => Promise.resolve(madeUpFor.push(command)),
    canSend: () => true,
    retryMs: 100,
    clock,
  });
  const entries = new RedisEntries({
    link: link as unknown as RedisLink,
    keys: new RedisKeys("test"),
    codec: redisCodec("json"),
    lifetimes: new Lifetimes({
      ttlMs: 1_000,
      staleMs: 0,
      jitter: 0,
      random: () => 0,
    }),
    backlog,
    wallClock: () => 0,
    id: "writer",
  });
  const refused = entries.write("a", entries.draft(1), []);
  link.replies[0](unavailable);
  assert.equal(await refused, false);
  assert.equal(backlog.size, 1);

  const taken = entries.write("a", entries.draft(2), []);
  await clock.advance(100);
  assert.deepEqual(madeUpFor, []);
  link.replies[1](1);
  assert.equal(await taken, true);

  const again = entries.write("a", entries.draft(3), []);
  link.replies[2](unavailable);
  assert.equal(await again, false);
  await clock.advance(100);
  assert.equal(madeUpFor.length, 1);
  assert.equal(backlog.size, 0);
});

import assert from "node:assert/strict";
import { MemoryEventStore } from "../../src/transport/http/legacy/event_store.ts";
import { readEach } from "../../src/base/option_rules.ts";
import {
  EVENT_STREAM_OPTIONS,
  EventStreams,
} from "../../src/transport/http/event_streams.ts";
import { ResumableStream } from "../../src/transport/http/legacy/resumable_stream.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a client that leaves in the middle of a replay takes nothing from the next", async () => {
  const clock = new FakeClock();
  const streams = new EventStreams(
    clock,
    readEach({ keepAliveMs: Infinity }, EVENT_STREAM_OPTIONS),
    () => {},
  );
  const open = () => streams.open({ account: "", gone() {} });
  const stream = new ResumableStream("standing", new MemoryEventStore());
  const first = open();
  stream.connect(first);
  stream.prime(undefined);
  for (let n = 0; n < 3; n++) {
    stream.send(JSON.stringify({ n, text: "x".repeat(100_000) }));
  }
  await first.body.cancel();
  await clock.advance(0);

  const second = open();
  stream.resume(second, "standing_1");
  await clock.advance(0);
  assert(second.caughtUp() !== undefined, "it has not been read");
  await second.body.cancel();

  const third = open();
  stream.connect(third);
  stream.prime(undefined);
  stream.send(JSON.stringify({ n: 4 }));
  await clock.advance(0);
  third.close();
  assert.match(await new Response(third.body).text(), /"n":4/);
  assert.equal(clock.pending, 0);
});

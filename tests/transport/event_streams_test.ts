import assert from "node:assert/strict";
import { readEach } from "../../src/base/option_rules.ts";
import {
  EVENT_STREAM_OPTIONS,
  EventStreams,
} from "../../src/transport/http/event_streams.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1024 * 1024;

const DEFAULTS = readEach({}, EVENT_STREAM_OPTIONS);

Deno.test("long answers go out whole until some stand, and again once they have gone", async () => {
  const streams = new EventStreams(new FakeClock(), DEFAULTS, () => {});
  const sent = Array.from({ length: 16 }, () => Promise.withResolvers<void>());
  for (const { promise: completed } of sent) {
    assert.equal(streams.takesWhole(MIB, { completed }), true);
  }
  const completed = Promise.resolve();
  assert.equal(streams.takesWhole(MIB, { completed }), false);
  sent[0].resolve();
  sent[1].reject(new Error("the client has gone"));
  await Promise.allSettled([sent[0].promise, sent[1].promise]);
  await Promise.resolve();
  assert.equal(streams.takesWhole(2 * MIB, { completed }), false);
  assert.equal(streams.takesWhole(MIB, { completed }), true);
  assert.equal(streams.takesWhole(MIB, { completed: sent[2].promise }), true);
});

Deno.test("who can't tell when an answer has gone gets it by a stream", () => {
  const streams = new EventStreams(new FakeClock(), DEFAULTS, () => {});
  assert.equal(streams.takesWhole(MIB, undefined), false);
  assert.equal(streams.takesWhole(MIB, {}), false);
});

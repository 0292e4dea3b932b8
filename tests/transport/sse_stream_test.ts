import assert from "node:assert/strict";
import fc from "fast-check";
import { SlowClientError } from "../../src/base/errors.ts";
import { readEach } from "../../src/base/option_rules.ts";
import {
  EVENT_STREAM_OPTIONS,
  type EventStreamOptions,
  EventStreams,
} from "../../src/transport/http/event_streams.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** More than is written ahead of a client. */
const BEHIND = "x".repeat(100_000);

function openStream(options: EventStreamOptions = {}) {
  const clock = new FakeClock();
  const cutOff: SlowClientError[] = [];
  const gone: unknown[] = [];
  const streams = new EventStreams(
    clock,
    readEach({ keepAliveMs: Infinity, ...options }, EVENT_STREAM_OPTIONS),
    (error) => cutOff.push(error),
  );
  const stream = streams.open({
    account: "",
    gone: (reason) => gone.push(reason),
  });
  return { clock, cutOff, gone, streams, stream };
}

async function settled(promise: Promise<void> | undefined): Promise<boolean> {
  const late = Symbol();
  // Streams take a few turns of the microtask queue to tell of a read.
  const turns = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return late;
  };
  return await Promise.race([promise, turns()]) !== late;
}

Deno.test("there is room until a client is behind, and again once it has caught up", async () => {
  const { stream, clock } = openStream();
  stream.write("a few bytes");
  assert.equal(stream.caughtUp(), undefined);
  stream.write(BEHIND);
  const room = stream.caughtUp();
  assert.equal(await settled(room), false);
  assert.equal(stream.caughtUp(), room);
  const reader = stream.body.getReader();
  await reader.read();
  await reader.read();
  assert(await settled(room));
  assert.equal(stream.caughtUp(), undefined);
  stream.close();
  assert.equal((await reader.read()).done, true);
  assert.equal(clock.pending, 0);
});

Deno.test("a client that falls behind again and again is noticed each time", async () => {
  const { stream, clock, cutOff } = openStream({ maxStallMs: 1_000 });
  const reader = stream.body.getReader();
  for (let i = 0; i < 3; i++) {
    stream.write(BEHIND);
    const room = stream.caughtUp();
    assert.equal(await settled(room), false);
    await clock.advance(750);
    assert.equal((await reader.read()).value!.length, BEHIND.length);
    assert(await settled(room));
    stream.writeMessage("a few bytes");
    await reader.read();
    assert.equal(stream.caughtUp(), undefined);
  }
  await clock.advance(10_000);
  assert.deepEqual(cutOff, []);
  stream.close();
});

Deno.test("streams that get the same message, and others in between, get what they are sent", async () => {
  const subjects = [openStream(), openStream()];
  const texts = ["same", "other", "x".repeat(5_000), "other"];
  for (const text of texts) {
    for (const { stream } of subjects) stream.writeMessage(text);
  }
  for (const { stream } of subjects) {
    stream.close();
    assert.equal(
      await new Response(stream.body).text(),
      texts.map((text) => `event: message\ndata: ${text}\n\n`).join(""),
    );
  }
});

for (
  const [how, end] of [
    ["closed", (s: ReturnType<typeof openStream>) => s.stream.close()],
    ["left", (s: ReturnType<typeof openStream>) => s.stream.body.cancel()],
    ["cut off", (s: ReturnType<typeof openStream>) => s.clock.advance(120_000)],
  ] as const
) {
  Deno.test(`who waits for room goes on when the stream is ${how}`, async () => {
    const subject = openStream();
    subject.stream.write(BEHIND);
    const room = subject.stream.caughtUp();
    await end(subject);
    assert(await settled(room));
    assert.equal(subject.stream.caughtUp(), undefined);
    assert.equal(subject.stream.open, false);
    await subject.stream.body.cancel().catch(() => {});
    assert.equal(subject.streams.size, 0);
    assert.equal(subject.clock.pending, 0);
  });
}

Deno.test("a client with too much waiting for it is cut off", async () => {
  const { stream, streams, clock, cutOff, gone } = openStream({
    maxUnsentBytes: 150_000,
  });
  stream.write(BEHIND);
  stream.write(BEHIND);
  stream.write("the last straw");
  await clock.advance(999);
  assert.equal(cutOff.length, 0);
  await clock.advance(1);
  assert.equal(cutOff.length, 1);
  assert.equal(cutOff[0].code, "SLUICE_SLOW_CLIENT");
  assert.match(cutOff[0].message, /more than 150000 bytes wait for it/);
  assert.deepEqual(gone, cutOff);
  assert.equal(streams.cutOff, 1);
  assert.equal(streams.size, 0);
  await assert.rejects(stream.body.getReader().read(), SlowClientError);
  stream.write("nobody reads this");
  assert.equal(gone.length, 1);
});

Deno.test("a burst is no fault of a client that takes it in time", async () => {
  const { stream, clock, cutOff } = openStream({ maxUnsentBytes: 150_000 });
  for (let i = 0; i < 12; i++) stream.write(BEHIND);
  stream.close();
  const reading = new Response(stream.body).text();
  await clock.advance(1_000);
  assert.equal((await reading).length, 12 * BEHIND.length);
  assert.equal(cutOff.length, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a burst has an end, too", () => {
  const { stream, cutOff, clock } = openStream({ maxUnsentBytes: 150_000 });
  for (let i = 0; i < 13; i++) stream.write(BEHIND);
  assert.equal(cutOff.length, 0);
  stream.write("the last straw");
  assert.equal(cutOff.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("what waits when a stream is closed is watched until it has been taken", async () => {
  const { stream, streams, clock, cutOff, gone } = openStream({
    maxStallMs: 1_000,
  });
  stream.write(BEHIND);
  stream.close();
  assert.equal(stream.open, false);
  assert.equal(streams.size, 1);
  await clock.advance(1_000);
  assert.equal(cutOff.length, 1);
  assert.equal(gone.length, 0, "its request is long over");
  assert.equal(streams.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("one message may be larger than what may wait", async () => {
  const { stream, cutOff } = openStream({ maxUnsentBytes: 65_536 });
  stream.write(BEHIND);
  stream.close();
  assert.equal(cutOff.length, 0);
  const text = await new Response(stream.body).text();
  assert.equal(text, BEHIND);
});

Deno.test("a client that reads nothing of what waits is cut off", async () => {
  const { stream, clock, cutOff } = openStream({ maxStallMs: 1_000 });
  stream.write(BEHIND);
  await clock.advance(999);
  assert(stream.open);
  await clock.advance(1);
  assert.match(cutOff[0].message, /taken nothing for 1000 ms/);
});

Deno.test("a client that reads slowly is not cut off", async () => {
  const { stream, clock, cutOff } = openStream({ maxStallMs: 1_000 });
  const reader = stream.body.getReader();
  for (let i = 0; i < 10; i++) stream.write(BEHIND);
  for (let i = 0; i < 10; i++) {
    await clock.advance(900);
    await reader.read();
  }
  await clock.advance(2_000);
  assert.equal(cutOff.length, 0);
  assert.equal(clock.pending, 0, "who has caught up is not watched");
  stream.write(BEHIND);
  await clock.advance(1_000);
  assert.equal(cutOff.length, 1, "who falls behind again is");
});

Deno.test("an idle client is not behind, however long", async () => {
  const { stream, clock, cutOff } = openStream({ maxStallMs: 1_000 });
  stream.write("a few bytes that nobody has read");
  await clock.advance(1_000_000);
  assert.equal(cutOff.length, 0);
  assert.equal(clock.pending, 0);
  stream.close();
});

Deno.test("beats stop with the last stream", async () => {
  const { stream, streams, clock } = openStream({ keepAliveMs: 10 });
  const other = streams.open({ account: "", gone() {} });
  await clock.advance(25);
  stream.close();
  other.close();
  assert.equal(clock.pending, 0);
  assert.equal(await new Response(stream.body).text(), ":\n\n:\n\n");
});

Deno.test("options out of range are refused and quoted", () => {
  for (
    const options of [
      { maxUnsentBytes: 65_535 },
      { maxUnsentBytes: Infinity },
      { maxStallMs: 0 },
      { maxStallMs: NaN },
      { keepAliveMs: -1 },
    ]
  ) {
    const [[name, value]] = Object.entries(options);
    assert.throws(() => openStream(options), {
      code: "SLUICE_INVALID_OPTION",
      message: new RegExp(`${name}.*${value}`),
    });
  }
});

Deno.test("whatever is written and read when, a client gets what was written, in order", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("write" as const), size: fc.nat(90_000) }),
    fc.record({ do: fc.constant("read" as const) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(1_500) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.boolean(),
      async (steps, closes) => {
        const maxUnsentBytes = 200_000;
        const { stream, clock, cutOff, gone, streams } = openStream({
          maxUnsentBytes,
          maxStallMs: 1_000,
        });
        const reader = stream.body.getReader();
        let written = "";
        let read = "";
        for (const [i, each] of steps.entries()) {
          if (each.do === "wait") await clock.advance(each.ms);
          else if (each.do === "write") {
            const text = String(i % 10).repeat(each.size + 1);
            const unsent = written.length - read.length;
            stream.write(text);
            if (stream.open) {
              assert(unsent <= 8 * maxUnsentBytes);
              written += text;
            }
          } else if (read.length < written.length && stream.open) {
            const { value } = await reader.read();
            read += new TextDecoder().decode(value);
          }
        }
        assert.equal(cutOff.length, stream.open ? 0 : 1);
        assert.deepEqual(gone, cutOff);
        assert.equal(streams.cutOff, cutOff.length);
        if (closes) stream.close();
        else await reader.cancel().catch(() => {});
        if (closes && cutOff.length === 0) {
          for (let got = await reader.read(); !got.done;) {
            read += new TextDecoder().decode(got.value);
            got = await reader.read();
          }
          assert.equal(read, written);
        }
        assert(written.startsWith(read));
        assert.equal(streams.size, 0);
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 200 },
  );
});

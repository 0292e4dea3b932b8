import assert from "node:assert/strict";
import {
  type Bus,
  McpServer,
  MemoryBusHub,
  MemorySessionStore,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { LegacyClient } from "../transport/wire.ts";
import { SseReader } from "./sse_reader.ts";

const IDLE_MS = 30_000;

/** Opens a session at one replica, and its standing stream at another. */
async function withStream(
  run: (
    session: { asked(): Promise<number>; stream: SseReader; clock: FakeClock },
    cluster: { store: MemorySessionStore; id: string; gap(): void },
  ) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const hub = new MemoryBusHub();
  await using store = new MemorySessionStore({ clock });
  const buses: Bus[] = [hub.join(), hub.join()];
  let gap = () => {};
  const { listen } = buses[1];
  buses[1].listen = (listener) => {
    gap = () => listener.gap();
    listen.call(buses[1], listener);
  };
  const [a, b] = buses.map((bus) =>
    new McpServer({ name: "shared", version: "1.0.0" }, {
      bus,
      sessionStore: store,
      sessionIdleMs: IDLE_MS,
      clock,
      log: () => {},
    })
  );
  const client = await LegacyClient.open(a);
  const id = client.sessionId;
  await using stream = new SseReader(
    await b.fetch(
      new Request("http://localhost/mcp", {
        headers: { accept: "text/event-stream", "mcp-session-id": id },
      }),
    ),
  );
  const asked = async () => (await client.ask("ping")).status;
  await run({ asked, stream, clock }, { store, id, gap });
  await Promise.all([a.close(), b.close()]);
}

Deno.test("a session whose client only listens lives on, at every replica", () =>
  withStream(async ({ asked, clock }) => {
    for (let i = 0; i < 10; i++) await clock.advance(IDLE_MS / 2);
    assert.equal(await asked(), 200);
  }));

Deno.test("a replica that did not hear of a session's end ends its streams once it hears again", () =>
  withStream(async ({ asked, stream }, { store, id, gap }) => {
    await store.delete(id);
    gap();
    await stream.ended;
    assert.equal(await asked(), 404);
  }));

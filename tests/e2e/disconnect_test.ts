import assert from "node:assert/strict";
import { textOf } from "../support/clients.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { showcase } from "./fixtures/showcase.ts";

// Deno notices the going of a client at once if its request was small.
for (const size of [10, 10_000]) {
  for (const leg of LEGS.filter(({ place }) => place === "http")) {
    const modern = leg.era === "modern";
    const what = modern ? "is noticed" : "has called nothing off";
    Deno.test(`a client that goes with a request of ${size} bytes ${what} (${leg.name})`, async () => {
      const clock = new FakeClock();
      await using server = showcase({ clock });
      await using running = await listen(server);
      const cut = new AbortController();
      await using client = await connectHttp(leg, running.url, {
        http: {
          fetch: (input: string | URL, init: RequestInit) =>
            fetch(input, {
              ...init,
              signal: String(init.body).includes("tools/call")
                ? cut.signal
                : init.signal,
            }),
        },
      });
      const call = client.tool("hold", { key: "k" }, {
        _meta: { padding: "x".repeat(size) },
      });
      const rejected = assert.rejects(call);
      await server.call("tools/call", {
        name: "await_state",
        arguments: { key: "k", state: "held" },
      });
      cut.abort();
      await rejected;
      await clock.advance(1_000);
      if (!modern) {
        await clock.advance(20_000);
        assert.equal(server.stats.inFlight, 1);
        await client.close();
        const closing = server.close();
        await clock.advance(20_000);
        await closing;
        return;
      }
      const aborted = await server.call("tools/call", {
        name: "await_state",
        arguments: { key: "k", state: "aborted" },
      });
      assert.equal(textOf(aborted), "aborted");
      assert.equal(server.stats.inFlight, 0);
    });
  }
}

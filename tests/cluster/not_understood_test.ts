import assert from "node:assert/strict";
import { type LogRecord, McpServer, MemoryBusHub } from "../../mod.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { modernCall, modernPost, read } from "../transport/wire.ts";

const NOT_UNDERSTOOD = "a message of another replica was not understood";

Deno.test("a listener that fails late fails alone, whether or not it is waited for", async () => {
  const hub = new MemoryBusHub();
  const errors: unknown[] = [];
  const log = {
    debug() {},
    info() {},
    warning() {},
    error: (_: string, fields?: Record<string, unknown>) =>
      void errors.push(String(fields?.error)),
  };
  const heard: unknown[] = [];
  await using cluster = new Cluster(hub.join(), {
    clock: new FakeClock(),
    log,
  });
  cluster.on("late", () => Promise.reject(new Error("late")));
  cluster.on("heard", (body) => void heard.push(body));
  const other = hub.join();
  const say = (on: string, ref?: unknown) =>
    other.broadcast(JSON.stringify({ v: 1, on, body: on, ref }));
  await say("late");
  await say("late", "1");
  await say("heard");
  await eventually(() => heard.length === 1 && errors.length === 2);
  assert.deepEqual(errors, ["Error: late", "Error: late"]);
});

Deno.test("who floods the bus with what is no message fills no log, and stops nothing", async () => {
  const hub = new MemoryBusHub();
  const records: LogRecord[] = [];
  await using server = new McpServer({ name: "flooded", version: "1.0.0" }, {
    bus: hub.join(),
    log: (record) => void records.push(record),
  });
  server.registerTool("hi", {}, () => "hi");
  const call = () =>
    server.fetch(
      new Request(
        "http://localhost/mcp",
        modernPost(modernCall("tools/call", { name: "hi", arguments: {} })),
      ),
    );
  await (await call()).text();
  const other = hub.join();
  const bodies = [null, 5, "", [], {}, { of: "list" }, { what: "answers" }];
  for (let i = 0; i < 100; i++) {
    await other.broadcast("{".repeat(i));
    for (const body of bodies) {
      for (const on of ["notice", "notices", "session", "task", "taken", "?"]) {
        await other.broadcast(JSON.stringify({ v: 1, on, body }));
      }
    }
  }
  const { body } = await read(await call());
  assert.equal(body.result.content[0].text, "hi");
  const said = records.filter(({ message }) => message === NOT_UNDERSTOOD);
  assert.equal(said.length, 1);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type JsonObject,
  linkedPair,
  type McpServer,
  type Transport,
} from "../../mod.ts";
import { makeSubject, type Subject } from "./subject.ts";
import { initialize, modernCall, within } from "./wire.ts";

/** A client at the end of a channel that says what it likes. */
interface Wire {
  server: McpServer;
  subject: Subject;
  /** Everything that the server has said. */
  received: JsonObject[];
  send(message: unknown): void;
  gates: Map<unknown, () => void>;
  end: Transport;
}

async function connect(): Promise<Wire> {
  const subject = makeSubject();
  const { server } = subject;
  const gates = new Map<unknown, () => void>();
  server.registerTool("wait", {}, async (ctx) => {
    await ctx.progress(1);
    await new Promise<void>((resolve, reject) => {
      gates.set(ctx.requestId, resolve);
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
    });
    await ctx.progress(2);
    return `${ctx.requestId}`;
  });
  const [client, end] = linkedPair();
  const received: JsonObject[] = [];
  client.onmessage = (message) => {
    received.push(message as unknown as JsonObject);
  };
  await server.connect(end);
  await client.start();
  return {
    server,
    subject,
    received,
    gates,
    end: client,
    send: (message) => void client.send(message as never),
  };
}

/** Lets messages cross and handlers run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((go) => setTimeout(go));
  }
}

type Step =
  | { kind: "request"; id: number; modern: boolean; tool: "echo" | "wait" }
  | { kind: "cancel"; id: number }
  | { kind: "open"; id: number }
  | { kind: "turn" }
  | { kind: "noise"; value: unknown };

const id = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("request" as const),
      id,
      modern: fc.boolean(),
      tool: fc.constantFrom("echo" as const, "wait" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("cancel" as const), id }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("open" as const), id }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "turn" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("noise" as const),
      value: fc.constantFrom<unknown>(
        { jsonrpc: "2.0", method: "notifications/cancelled" },
        {
          jsonrpc: "2.0",
          method: "notifications/cancelled",
          params: { requestId: {}, reason: { toString: 1 } },
        },
        { jsonrpc: "2.0", id: "sluice-1", result: {} },
        { jsonrpc: "2.0", id: "x", error: { code: 1, message: "x" } },
        {
          jsonrpc: "2.0",
          method: "notifications/progress",
          params: { progressToken: 1, progress: 1 },
        },
      ),
    }),
  },
);

Deno.test("any interleaving: every request is answered once, or cancelled", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { server, subject, received, send, gates, end } = await connect();
      send(initialize("2025-03-26"));
      let asked = 0;
      let cancels = 0;
      for (const each of steps) {
        if (each.kind === "request") {
          asked++;
          const params = each.tool === "echo"
            ? { name: "echo", arguments: { data: "x" } }
            : { name: "wait", _meta: { progressToken: each.id } };
          const message = modernCall("tools/call", params, each.id);
          send(
            each.modern
              ? message
              : { jsonrpc: "2.0", id: each.id, method: "tools/call", params },
          );
        } else if (each.kind === "cancel") {
          cancels++;
          send({
            jsonrpc: "2.0",
            method: "notifications/cancelled",
            params: { requestId: each.id },
          });
        } else if (each.kind === "open") {
          gates.get(each.id)?.();
          gates.delete(each.id);
        } else if (each.kind === "noise") send(each.value);
        else await settle();
      }
      await settle();
      while (server.stats.inFlight > 0) {
        for (const open of gates.values()) open();
        gates.clear();
        await within(settle());
      }
      const answers = received.filter((each) =>
        "result" in each || "error" in each
      );
      const own = answers.filter((each) => each.id !== 0);
      assert.ok(own.length <= asked, "nothing is answered twice");
      assert.ok(
        own.length >= asked - cancels,
        "nothing is left without answer",
      );
      assert.deepEqual(subject.log, []);
      received.length = 0;
      send(
        modernCall(
          "tools/call",
          { name: "echo", arguments: { data: "end" } },
          99,
        ),
      );
      await settle();
      assert.equal(received.length, 1);
      assert.equal(received[0].id, 99);
      await end.close();
      assert.equal(server.stats.inFlight, 0);
    }),
    { numRuns: 150 },
  );
});

Deno.test("requests with ids of their own are answered exactly once each", async () => {
  const { server, received, send, gates } = await connect();
  const total = 500;
  for (let id = 1; id <= total; id++) {
    const name = id % 3 === 0 ? "wait" : "echo";
    send(modernCall("tools/call", { name, arguments: { data: "x" } }, id));
    if (id % 6 === 0) {
      send({
        jsonrpc: "2.0",
        method: "notifications/cancelled",
        params: { requestId: id },
      });
    }
  }
  await settle();
  for (const open of gates.values()) open();
  await settle();
  const ids = received.filter(({ method }) => method === undefined)
    .map(({ id }) => id as number).sort((a, b) => a - b);
  const expected = Array.from({ length: total }, (_, index) => index + 1)
    .filter((id) => id % 6 !== 0);
  assert.deepEqual(ids, expected);
  assert.equal(server.stats.inFlight, 0);
  assert.equal(server.readMetrics().tools.wait.in_progress, 0);
});

Deno.test("progress stops with the cancellation", async () => {
  const { received, send, gates } = await connect();
  const call = modernCall("tools/call", {
    name: "wait",
    _meta: { progressToken: "p" },
  }, 1);
  send(call);
  await settle();
  send({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1 },
  });
  await settle();
  gates.get(1)?.();
  await settle();
  const methods = received.map(({ method }) => method);
  assert.deepEqual(methods, ["notifications/progress"]);
});

Deno.test("any JSON on a connection is survived, and answered where it has an id", async () => {
  const { server, subject, received, send } = await connect();
  const mutated = fc.record({
    jsonrpc: fc.oneof(
      { weight: 3, arbitrary: fc.constant("2.0") },
      fc.jsonValue(),
    ),
    id: fc.jsonValue(),
    method: fc.oneof(
      fc.constantFrom(
        "tools/call",
        "tools/list",
        "notifications/cancelled",
        "initialize",
        "logging/setLevel",
        "ping",
      ),
      fc.jsonValue(),
    ),
    params: fc.jsonValue(),
    result: fc.jsonValue(),
    error: fc.jsonValue(),
  }, { requiredKeys: [] });
  const message = fc.oneof(
    fc.jsonValue(),
    mutated,
    fc.array(mutated, { maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(message, async (value) => {
      received.length = 0;
      send(value);
      await new Promise((go) => setTimeout(go));
      for (const each of (received as unknown[]).flat() as JsonObject[]) {
        assert.equal(each.jsonrpc, "2.0");
      }
      const one = value as
        | { jsonrpc?: unknown; id?: unknown; method?: unknown }
        | null;
      if (
        one !== null && typeof one === "object" && !Array.isArray(one) &&
        one.jsonrpc === "2.0" && typeof one.method === "string" &&
        (typeof one.id === "string" || Number.isSafeInteger(one.id))
      ) {
        assert.equal(received.length, 1);
        // JSON text has no -0.
        assert.equal(
          received[0].id,
          typeof one.id === "number" ? one.id + 0 : one.id,
        );
      }
    }),
    { numRuns: 500 },
  );
  received.length = 0;
  send(
    modernCall("tools/call", { name: "echo", arguments: { data: "end" } }, 99),
  );
  await settle();
  assert.equal(received.length, 1);
  assert.deepEqual(subject.log, []);
  assert.equal(server.stats.inFlight, 0);
});

Deno.test("a batch on a connection is bounded", async () => {
  const { received, send } = await connect();
  send(initialize("2025-03-26"));
  await settle();
  received.length = 0;
  send(
    Array.from(
      { length: 101 },
      (_, id) => ({ jsonrpc: "2.0", id, method: "ping" }),
    ),
  );
  await settle();
  assert.equal(received.length, 1);
  assert.match(
    (received[0].error as { message: string }).message,
    /at most 100 messages/,
  );
});

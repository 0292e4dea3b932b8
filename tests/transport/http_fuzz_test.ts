import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../mod.ts";
import { makeSubject } from "./subject.ts";
import {
  type Answer,
  assertServes,
  type HeaderSet,
  initialize,
  LegacyClient,
  modernCall,
  modernHeaders,
  modernPost,
  post,
} from "./wire.ts";

const { server, log } = makeSubject({ maxSessions: 5, pageSize: 2 });

const VALID = [
  modernCall("server/discover"),
  modernCall("tools/list", { _meta: { progressToken: "t" } }),
  modernCall("tools/call", { name: "echo", arguments: { data: "x" } }),
  modernCall("tools/call", {
    name: "move",
    arguments: { to: { x: 1, y: 2 }, steps: [1, 2] },
  }),
  modernCall("tools/call", {
    name: "any",
    arguments: {},
    inputResponses: { a: { action: "accept" } },
    requestState: "x.y",
  }),
  modernCall("prompts/get", { name: "greet", arguments: { name: "Ada" } }),
  modernCall("resources/read", { uri: "test://family/ada" }),
  modernCall("completion/complete", {
    ref: { type: "ref/prompt", name: "greet" },
    argument: { name: "name", value: "A" },
  }),
  modernCall("tasks/get", { taskId: "x" }),
];

/**
 * What every answer must be: an HTTP status that fits, JSON that is JSON-RPC,
 * the id of the request or null, and either a result or an error with a code.
 */
function assertSound({ status, messages, text }: Answer, id?: unknown): void {
  assert.ok(status >= 200 && status < 500, `${status} ${text}`);
  if (status === 202) return assert.equal(text, "");
  for (const message of messages.flat()) {
    assert.equal(message.jsonrpc, "2.0");
    if ("error" in message) {
      assert.ok(Number.isSafeInteger(message.error.code), text);
      assert.equal(typeof message.error.message, "string");
      assert.notEqual(message.error.code, -32603, text);
      assert.ok(!("result" in message));
    } else if (message.method === undefined) {
      assert.equal(typeof message.result, "object");
      assert.equal(status, 200);
    }
  }
  const answers = messages.flat().filter(({ method }) => method === undefined);
  assert.ok(answers.length >= 1, `${status} without an answer`);
  if (id !== undefined) {
    assert.equal(answers.length, 1);
    assert.ok(answers[0].id === id || answers[0].id === null);
  }
}

async function property(
  runs: number,
  ...args: Parameters<typeof fc.asyncProperty>
): Promise<void> {
  await fc.assert(fc.asyncProperty(...args), { numRuns: runs });
  await assertServes(server);
  assert.deepEqual(log, [], "a client's mistake is no line in the log");
}

const json = fc.jsonValue({ maxDepth: 6 });

Deno.test("any JSON is answered, in either era", async () => {
  const version = fc.constantFrom("2026-07-28", "2025-11-25", null);
  await property(400, json, version, async (body, header) => {
    assertSound(
      await post(server, JSON.stringify(body), {
        headers: { "mcp-protocol-version": header as string | null },
      }),
    );
  });
});

Deno.test("any bytes are answered", async () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  await property(300, bytes, fc.boolean(), async (body, declared) => {
    const answer = await post(server, body as Uint8Array, {
      headers: {
        ...modernHeaders(VALID[1]),
        "content-length": declared ? `${(body as Uint8Array).length}` : null,
      },
    });
    assert.ok(answer.status === 400, answer.text);
    assertSound(answer);
  });
});

Deno.test("any few bytes changed in a good request are answered", async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  await property(
    600,
    fc.constantFrom(...VALID),
    changes,
    fc.boolean(),
    async (message, edits, declared) => {
      const bytes = new TextEncoder().encode(JSON.stringify(message));
      for (const { at, byte } of edits as { at: number; byte: number }[]) {
        bytes[at % bytes.length] = byte;
      }
      const answer = await post(server, bytes, {
        headers: {
          ...modernHeaders(message as JsonObject),
          "content-length": declared ? `${bytes.length}` : null,
        },
      });
      assertSound(answer);
    },
  );
});

/** Every place in a message, as a path. */
function places(value: unknown, path: string[] = []): string[][] {
  const inner = typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, each]) =>
      places(each, [...path, key])
    )
    : [];
  return path.length === 0 ? inner : [path, ...inner];
}

type Mutation = {
  kind: "delete" | "replace" | "rename";
  at: number;
  value: unknown;
};

function mutate(
  message: JsonObject,
  { kind, at, value }: Mutation,
): JsonObject {
  const copy = structuredClone(message);
  const all = places(copy);
  if (all.length === 0) return copy;
  const path = all[at % all.length];
  const parent = path.slice(0, -1).reduce(
    (each, step) => each[step] as JsonObject,
    copy as JsonObject,
  );
  const key = path.at(-1)!;
  if (kind === "replace") parent[key] = value;
  else {
    const name = typeof value === "string" ? value : "renamed";
    // Plain assignment would set the prototype.
    if (kind === "rename") {
      Object.defineProperty(parent, name, {
        value: parent[key],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    if (kind === "delete" || name !== key) delete parent[key];
  }
  return copy;
}

const mutation = fc.record({
  kind: fc.constantFrom("delete", "replace", "rename"),
  at: fc.nat(),
  value: fc.oneof(
    json,
    fc.constantFrom(null, [], {}, "", 0, -0, 1e308, true, "__proto__", {
      toString: 1,
      valueOf: 1,
    }, { then: 1 }),
  ),
}) as fc.Arbitrary<Mutation>;
const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

Deno.test("any mutation of a good modern request is answered", async () => {
  await property(
    1_500,
    fc.constantFrom(...VALID),
    mutations,
    async (message, steps) => {
      const bent = (steps as Mutation[]).reduce(mutate, message as JsonObject);
      // Headers that follow the body let the change through to the handlers.
      const { params } = bent as { params?: { _meta?: JsonObject } };
      const claimed = params?._meta
        ?.["io.modelcontextprotocol/protocolVersion"];
      const answer = await post(server, bent, {
        headers: {
          ...headersThatFit(bent),
          ...(typeof claimed === "string" && /^[\x20-\x7e]*$/.test(claimed) &&
            { "mcp-protocol-version": claimed.trim() }),
        },
      });
      assertSound(answer);
    },
  );
});

/** Headers for a message of whatever shape, as far as a header can hold it. */
function headersThatFit(message: JsonObject): HeaderSet {
  const headers = modernHeaders(message);
  const method = headers["mcp-method"];
  if (method !== undefined && !/^[\x20-\x7e]*$/.test(method!)) {
    headers["mcp-method"] = null;
  }
  return headers;
}

Deno.test("any mutation of a good legacy message is answered", async () => {
  const client = await LegacyClient.open(server);
  const valid: JsonObject[] = [
    ...VALID.map(({ id, method, params }) => {
      const { _meta, ...rest } = params as JsonObject;
      return { jsonrpc: "2.0", id, method, params: rest };
    }),
    {
      jsonrpc: "2.0",
      id: 1,
      method: "logging/setLevel",
      params: { level: "info" },
    },
    {
      jsonrpc: "2.0",
      id: 1,
      method: "resources/subscribe",
      params: { uri: "test://fixed" },
    },
    {
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: 1, reason: "x" },
    },
    {
      jsonrpc: "2.0",
      method: "notifications/progress",
      params: { progressToken: 1, progress: 2 },
    },
    {
      jsonrpc: "2.0",
      id: "sluice-1",
      result: { roots: [{ uri: "file:///" }] },
    },
    {
      jsonrpc: "2.0",
      id: "sluice-1",
      error: { code: 1, message: "x", data: {} },
    },
    initialize(),
  ];
  await property(
    1_500,
    fc.constantFrom(...valid),
    mutations,
    async (message, steps) => {
      const bent = (steps as Mutation[]).reduce(mutate, message as JsonObject);
      assertSound(await client.post(bent));
    },
  );
});

Deno.test("any batch is answered, each request in it once", async () => {
  const client = await LegacyClient.open(server, "2025-03-26");
  const good = VALID.slice(1, 8).map(({ method, params }) => {
    const { _meta, ...rest } = params as JsonObject;
    return { jsonrpc: "2.0", method, params: rest };
  });
  const member = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...good) },
    {
      weight: 1,
      arbitrary: fc.constant({ jsonrpc: "2.0", method: "notifications/x" }),
    },
    {
      weight: 1,
      arbitrary: fc.constant({ jsonrpc: "2.0", id: "s", result: {} }),
    },
  );
  const batch = fc.array(member, { minLength: 1, maxLength: 12 });
  await property(200, batch, async (members) => {
    const messages = (members as JsonObject[]).map((each, index) =>
      each.method === undefined || each.method === "notifications/x"
        ? each
        : { ...each, id: index }
    );
    const expected = messages.filter(({ id }) => typeof id === "number")
      .map(({ id }) => id as number);
    const answer = await client.post(messages);
    assertSound(answer);
    const ids = answer.messages.flat().map(({ id }) => id as number);
    assert.deepEqual(ids.toSorted((a, b) => a - b), expected);
  });
});

Deno.test("any headers are answered", async () => {
  const names = [
    "content-type",
    "accept",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "origin",
    "last-event-id",
    "content-length",
    "mcp-param-region",
    "authorization",
  ];
  const ascii = fc.string({ unit: "binary-ascii", maxLength: 30 })
    .map((text) => text.replace(/[^ -~]/g, " "));
  const latin1 = fc.string({
    unit: fc.integer({ min: 32, max: 255 }).filter((code) => code !== 127).map((
      code,
    ) => String.fromCharCode(code)),
    maxLength: 30,
  });
  const value = fc.oneof(
    ascii,
    latin1,
    fc.constantFrom(
      null,
      "application/json",
      "*/*",
      "text/event-stream",
      "2026-07-28",
      "2025-11-25",
      "tools/call",
      "echo",
      "=?base64?ZWNobw==?=",
      "null",
      "http://localhost",
      "0",
      "-1",
      "99999999",
    ),
  );
  const headers = fc.dictionary(fc.constantFrom(...names), value);
  const method = fc.constantFrom(
    "POST",
    "POST",
    "POST",
    "GET",
    "DELETE",
    "PUT",
    "OPTIONS",
  );
  await property(
    1_500,
    fc.constantFrom(...VALID),
    headers,
    method,
    async (message, given, verb) => {
      const answer = await post(
        server,
        verb === "POST" || verb === "PUT" ? message : undefined,
        {
          method: verb as string,
          headers: {
            ...modernHeaders(message as JsonObject),
            ...given as HeaderSet,
          },
        },
      );
      if (verb === "OPTIONS" && answer.status === 204) return;
      assertSound(answer);
    },
  );
});

Deno.test("any chunks make up the same body", async () => {
  const text = JSON.stringify(
    modernCall("tools/call", {
      name: "any",
      arguments: { text: "grüße 👋\uFFFD\u2028", list: [1.5, null, true] },
    }),
  );
  const bytes = new TextEncoder().encode(text);
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 40 });
  const whole = await post(server, bytes, {
    headers: modernHeaders(modernCall("tools/call", { name: "any" })),
  });
  assert.equal(whole.status, 200);
  await property(200, cuts, async (positions) => {
    const at = [
      0,
      ...(positions as number[]).sort((a, b) => a - b),
      bytes.length,
    ];
    const pieces = at.slice(1).map((end, index) => bytes.slice(at[index], end));
    const body = ReadableStream.from(pieces.filter(({ length }) => length > 0));
    const answer = await post(server, body, {
      headers: modernHeaders(modernCall("tools/call", { name: "any" })),
    });
    assert.equal(answer.text, whole.text);
  });
});

Deno.test("arguments arrive as they were sent", async () => {
  const value = fc.jsonValue({ maxDepth: 5 }).map((each) =>
    JSON.parse(JSON.stringify(each))
  );
  const hasProto = (each: unknown) =>
    JSON.stringify(each).includes("__proto__");
  await property(
    500,
    value.filter((each) => !hasProto(each)),
    fc.constantFrom(undefined, 1),
    async (sent, indent) => {
      const message = modernCall("tools/call", {
        name: "any",
        arguments: { sent },
      });
      const text = JSON.stringify(message, null, indent as number | undefined);
      const { body } = await post(server, text, {
        headers: {
          ...modernHeaders(message),
          "content-length": `${new TextEncoder().encode(text).length}`,
        },
      });
      assert.deepEqual(body.result?.structuredContent.args.sent, sent);
    },
  );
});

Deno.test("any filter of subscriptions/listen is agreed to or refused, and forgotten", async () => {
  const flag = fc.oneof(fc.boolean(), json);
  const filter = fc.record({
    toolsListChanged: flag,
    promptsListChanged: flag,
    resourcesListChanged: flag,
    resourceSubscriptions: fc.oneof(fc.array(fc.string()), json),
    stranger: json,
  }, { requiredKeys: [] });
  await property(300, fc.oneof(filter, json), async (notifications) => {
    const message = modernCall("subscriptions/listen", { notifications });
    const response = await server.fetch(
      new Request("http://localhost/mcp", modernPost(message)),
    );
    if (response.headers.get("content-type") === "application/json") {
      assert.equal((await response.json()).error.code, -32602);
      return;
    }
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    assert.match(new TextDecoder().decode(value), /acknowledged/);
    assert.equal(server.stats.subscriptions, 1);
    server.sendToolListChanged();
    server.sendResourceUpdated("test://fixed");
    await reader.cancel();
    assert.equal(server.stats.subscriptions, 0);
  });
});

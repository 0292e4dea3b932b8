import assert from "node:assert/strict";
import { z } from "zod";
import {
  acceptedContent,
  type AuthInfo,
  inputRequired,
  type JsonObject,
  McpServer,
} from "../../mod.ts";
import {
  type Answer,
  ask,
  assertRefused,
  CAPABILITIES_KEY,
  type Posting,
} from "./wire.ts";

const KEY = "k".repeat(32);
const sure = inputRequired.elicit({
  message: "Sure?",
  requestedSchema: {
    type: "object",
    properties: { sure: { type: "boolean" } },
  },
});

interface Options {
  ttlMs?: number;
  /** `null` for none. */
  key?: string | null;
  keys?: string[];
}

function makeServer({ ttlMs, key = KEY, keys }: Options = {}): McpServer {
  const server = new McpServer({ name: "rounds", version: "1.0.0" }, {
    requestState: { ...(keys ? { keys } : { key: key ?? undefined }), ttlMs },
    log: () => {},
  });
  for (const name of ["deploy", "destroy"]) {
    server.registerTool(name, {
      inputSchema: z.object({ target: z.string() }),
    }, ({ target }, ctx) => {
      const answer = acceptedContent<{ sure: boolean }>(
        ctx.mcpReq.inputResponses,
        "sure",
      );
      const state = ctx.requestState<string>();
      return answer?.sure && state === `about ${target}`
        ? `${name} ${target}`
        : inputRequired({
          inputRequests: { sure },
          requestState: `about ${target}`,
        });
    });
  }
  server.registerTool("twice", {}, async (ctx) => {
    const form = (message: string) =>
      ctx.elicit({
        message,
        requestedSchema: { type: "object", properties: {} },
      });
    const first = await form("first");
    const second = await form("second");
    return `${first.action} ${second.action}`;
  });
  return server;
}

const yes = { sure: { action: "accept", content: { sure: true } } };
const CAN_ELICIT = { [CAPABILITIES_KEY]: { elicitation: {} } };

interface Round extends Posting {
  tool?: string;
  target?: string;
  inputResponses?: unknown;
  requestState?: unknown;
  capabilities?: JsonObject;
}

function round(
  server: McpServer,
  {
    tool = "deploy",
    target = "prod",
    inputResponses,
    requestState,
    capabilities = CAN_ELICIT,
    ...posting
  }: Round = {},
): Promise<Answer> {
  return ask(server, "tools/call", {
    name: tool,
    arguments: { target },
    inputResponses,
    requestState,
    _meta: capabilities,
  }, posting);
}

const server = makeServer();

async function sealed(posting: Round = {}): Promise<string> {
  const { body } = await round(server, posting);
  assert.equal(body.result.resultType, "input_required");
  return body.result.requestState;
}

const refusedState = {
  status: 200,
  code: -32602,
  says: /requestState was not issued for this request to this caller/,
};

Deno.test("a state comes back for the request that it was issued for", async () => {
  const requestState = await sealed();
  const { body } = await round(server, { requestState, inputResponses: yes });
  assert.equal(body.result.content[0].text, "deploy prod");
});

Deno.test("a replica with the same key takes it, one with another does not", async () => {
  const repeat = { requestState: await sealed(), inputResponses: yes };
  const { body } = await round(makeServer(), repeat);
  assert.equal(body.result.content[0].text, "deploy prod");
  const stranger = makeServer({ key: "x".repeat(32) });
  assertRefused(await round(stranger, repeat), refusedState);
});

Deno.test("keys are changed without a state being lost: the first signs, all verify", async () => {
  const [old, fresh] = [KEY, "n".repeat(32)];
  const stages = [[old], [old, fresh], [fresh, old], [fresh]].map((keys) =>
    makeServer({ keys })
  );
  const asks = async (replica: McpServer) =>
    (await round(replica)).body.result.requestState;
  const takes = async (replica: McpServer, requestState: string) =>
    (await round(replica, { requestState, inputResponses: yes }))
      .body.result?.content[0].text === "deploy prod";
  // While one stage replaces another, replicas of both take each other's.
  for (const [index, stage] of stages.slice(1).entries()) {
    assert.ok(await takes(stage, await asks(stages[index])));
    assert.ok(await takes(stages[index], await asks(stage)));
  }
  assert.equal(await takes(stages[3], await asks(stages[1])), false);
  assert.equal(await takes(stages[0], await asks(stages[2])), false);
});

Deno.test("keys that can't be used are refused", () => {
  assert.throws(
    () => makeServer({ keys: [KEY, "short"] }),
    /requestState.keys\[1\] must be at least 32 bytes, got 5/,
  );
  for (const requestState of [{ keys: [] }, { keys: [KEY], key: KEY }]) {
    assert.throws(
      () => new McpServer({ name: "a", version: "1" }, { requestState }),
      /requestState.keys must be an array of at least one key, without/,
    );
  }
});

Deno.test("replicas share the key through the environment", async () => {
  const name = "SLUICE_REQUEST_STATE_KEY";
  const replicas = [KEY.toUpperCase(), KEY.toUpperCase(), "z".repeat(32)]
    .map((key) => {
      Deno.env.set(name, key);
      const replica = makeServer({ key: null });
      Deno.env.delete(name);
      return replica;
    });
  const { body: { result } } = await round(replicas[0]);
  const repeat = { requestState: result.requestState, inputResponses: yes };
  const { body } = await round(replicas[1], repeat);
  assert.equal(body.result.content[0].text, "deploy prod");
  assertRefused(await round(replicas[2], repeat), refusedState);
  Deno.env.set(name, "too short");
  assert.throws(() => makeServer({ key: null }), /at least 32 bytes, got 9/);
  Deno.env.delete(name);
});

Deno.test("without a key each server makes one of its own", async () => {
  const one = makeServer({ key: null });
  const rounds = await Promise.all([round(one), round(one)]);
  for (const { body: { result } } of rounds) {
    const repeat = { requestState: result.requestState, inputResponses: yes };
    const { body } = await round(one, repeat);
    assert.equal(body.result.content[0].text, "deploy prod");
    assertRefused(await round(makeServer({ key: null }), repeat), refusedState);
  }
});

Deno.test("a state is good for no other tool, arguments or method", async () => {
  const repeat = { requestState: await sealed(), inputResponses: yes };
  assertRefused(
    await round(server, { ...repeat, tool: "destroy" }),
    refusedState,
  );
  assertRefused(await round(server, { ...repeat, target: "x" }), refusedState);
  const { body } = await round(server, repeat);
  assert.equal(body.result.content[0].text, "deploy prod");
});

Deno.test("a state is good for no other caller", async () => {
  const caller = (clientId: string, sub?: string): AuthInfo => ({
    token: "t",
    clientId,
    scopes: [],
    ...(sub !== undefined && { extra: { sub } }),
  });
  const ada = caller("app", "ada");
  const repeat = {
    requestState: await sealed({ authInfo: ada }),
    inputResponses: yes,
  };
  for (
    const authInfo of [
      caller("app", "bob"),
      caller("other", "ada"),
      caller("app"),
      undefined,
    ]
  ) {
    assertRefused(await round(server, { ...repeat, authInfo }), refusedState);
  }
  const { body } = await round(server, { ...repeat, authInfo: ada });
  assert.equal(body.result.content[0].text, "deploy prod");
});

Deno.test("every bit of a state counts", async () => {
  const good = await sealed();
  const flip = (at: number) => {
    const other = good[at] === "A" ? "B" : "A";
    return good.slice(0, at) + other + good.slice(at + 1);
  };
  for (let at = 0; at < good.length - 1; at++) {
    const answer = await round(server, {
      requestState: flip(at),
      inputResponses: yes,
    });
    assertRefused(answer, {
      status: 200,
      code: -32602,
      says: /requestState (?:is malformed|was not issued)/,
    });
  }
  const [body, mac] = good.split(".");
  for (
    const bad of [
      "",
      ".",
      "x",
      body,
      mac,
      `${body}.`,
      `.${mac}`,
      `${mac}.${body}`,
      `${good}.x`,
      `${good} `,
      `${body}.${mac}=`,
      `${body}!.${mac}`,
      "é.é",
      "\u0000",
      "A".repeat(1_000_000),
    ]
  ) {
    const answer = await round(server, {
      requestState: bad,
      inputResponses: yes,
    });
    assertRefused(answer, {
      status: 200,
      code: -32602,
      says: /requestState/,
    });
  }
});

Deno.test("a state must be a string", async () => {
  for (const requestState of [1, {}, [], true]) {
    assertRefused(await round(server, { requestState, inputResponses: yes }), {
      status: 200,
      code: -32602,
      says: /requestState must be a string/,
    });
  }
});

Deno.test("a state expires", async () => {
  const realNow = Date.now;
  let now = 1_000_000;
  Date.now = () => now;
  try {
    const brief = makeServer({ ttlMs: 1_000 });
    const { body } = await round(brief);
    const { requestState } = body.result;
    const repeat = { requestState, inputResponses: yes };
    now += 1_000;
    assert.equal((await round(brief, repeat)).body.result.isError, undefined);
    now++;
    assertRefused(await round(brief, repeat), {
      status: 200,
      code: -32602,
      says: /requestState has expired/,
    });
  } finally {
    Date.now = realNow;
  }
});

Deno.test("answers that are none are left out, and asked for again", async () => {
  const requestState = await sealed();
  for (
    const inputResponses of [
      {},
      { sure: null },
      { sure: 1 },
      { sure: [] },
      { sure: {} },
      { sure: "accept" },
      { sure: { action: "maybe" } },
      { sure: { action: "accept" } },
      { sure: { action: "decline" } },
      { sure: { roots: [] } },
      { sure: { role: "user", content: [], model: "m" } },
      { other: yes.sure },
      { toString: yes.sure },
    ]
  ) {
    const { status, body } = await round(server, {
      requestState,
      inputResponses,
    });
    assert.equal(status, 200);
    assert.equal(
      body.result.resultType,
      "input_required",
      JSON.stringify(inputResponses),
    );
  }
  for (const inputResponses of ["x", 1, [], true]) {
    assertRefused(await round(server, { requestState, inputResponses }), {
      status: 200,
      code: -32602,
      says: /inputResponses must be an object/,
    });
  }
  const polluted = JSON.parse(`{"__proto__":{"action":"accept"}}`);
  assertRefused(
    await round(server, { requestState, inputResponses: polluted }),
    { status: 400, code: -32602, says: /__proto__/ },
  );
});

Deno.test("a form that is filled in wrong is refused by its key, whatever its schema", async () => {
  const requestState = await sealed();
  for (const content of ["x", { sure: "yes" }, { sure: 1 }, [true]]) {
    const sure = { action: "accept", content };
    assertRefused(
      await round(server, { requestState, inputResponses: { sure } }),
      { status: 200, code: -32602, says: /"sure" does not match/ },
    );
  }
});

Deno.test("a state says which answers were asked for", async () => {
  const heard: unknown[] = [];
  const other = { action: "accept" };
  const own = new McpServer({ name: "own", version: "1.0.0" }, { log() {} });
  own.registerTool("deploy", {
    inputSchema: z.object({ target: z.string() }),
  }, (_args, ctx) => {
    heard.push(ctx.mcpReq.inputResponses);
    return inputRequired({ inputRequests: { sure } });
  });
  const { requestState } = (await round(own)).body.result;
  for (const state of [undefined, requestState]) {
    await round(own, {
      requestState: state,
      inputResponses: { ...yes, other },
    });
  }
  assert.deepEqual(heard, [undefined, { ...yes, other }, yes]);
});

Deno.test("nothing is asked that the client has not declared", async () => {
  for (
    const has of [{}, { elicitation: null }, { elicitation: "yes" }, {
      sampling: {},
    }]
  ) {
    const capabilities = { [CAPABILITIES_KEY]: has };
    const answer = await round(server, { capabilities });
    assertRefused(answer, {
      status: 400,
      code: -32021,
      says: /elicitation/,
    });
    assert.deepEqual(answer.body.error!.data, {
      requiredCapabilities: { elicitation: {} },
    });
  }
});

Deno.test("answers of an earlier round are carried, sealed, and count once", async () => {
  const repeat = (requestState?: string, inputResponses?: unknown) =>
    round(server, { tool: "twice", requestState, inputResponses });
  const first = (await repeat()).body.result;
  const [key] = Object.keys(first.inputRequests);
  const second =
    (await repeat(first.requestState, { [key]: { action: "accept" } })).body
      .result;
  const [nextKey] = Object.keys(second.inputRequests);
  assert.notEqual(nextKey, key);
  const done = await repeat(second.requestState, {
    [nextKey]: { action: "decline" },
  });
  assert.equal(done.body.result.content[0].text, "accept decline");
  // Without the state the first answer is unknown again.
  const lost = await repeat(undefined, { [nextKey]: { action: "decline" } });
  assert.deepEqual(Object.keys(lost.body.result.inputRequests), [key]);
});

Deno.test("a handler that asks something new on every run is stopped", async () => {
  const endless = makeServer();
  let runs = 0;
  endless.registerTool("endless", {}, () =>
    inputRequired({
      inputRequests: { [`again-${++runs}`]: sure },
      requestState: "x",
    }));
  let requestState: string | undefined;
  for (let rounds = 0; rounds < 50; rounds++) {
    const { body } = await round(endless, {
      tool: "endless",
      requestState,
      inputResponses: requestState && {},
    });
    if (body.error !== undefined || body.result.isError) {
      assert.match(JSON.stringify(body), /still asking after 16 rounds/);
      return;
    }
    requestState = body.result.requestState;
  }
  assert.fail("it asks for ever");
});

import assert from "node:assert/strict";
import {
  type AuthInfo,
  type HttpOptions,
  InvalidOptionError,
  type LogRecord,
  McpServer,
  type McpServerOptions,
  MemoryEventStore,
  type RateLimitOptions,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  assertRefused,
  LegacyClient,
  modernCall,
  modernPost,
  read,
} from "./wire.ts";

const MINUTE: RateLimitOptions = {
  limit: 2,
  intervalMs: 60_000,
  algorithm: "sliding-window",
};

interface Limits {
  server?: RateLimitOptions;
  tool?: RateLimitOptions;
}

function limited(
  { server: ofServer, tool }: Limits,
  options: McpServerOptions & HttpOptions = {},
  name = "limited",
) {
  const log: LogRecord[] = [];
  const clock = new FakeClock();
  const server = new McpServer({ name, version: "1.0.0" }, {
    clock,
    log: (record) => log.push(record),
    rateLimit: ofServer,
    ...options,
  });
  let runs = 0;
  server.registerTool("search", { rateLimit: tool }, () => `run ${++runs}`);
  server.registerTool("free", {}, () => "free");
  return { server, clock, log, runs: () => runs };
}

/** Calls a tool as somebody, from somewhere. */
async function call(
  server: McpServer,
  { name = "search", from = "203.0.113.9", as, headers = {} }: {
    name?: string;
    from?: string | null;
    as?: string;
    headers?: Record<string, string>;
  } = {},
) {
  const init = modernPost(modernCall("tools/call", { name }));
  const authInfo: AuthInfo | undefined = as === undefined
    ? undefined
    : { token: "t", clientId: as, scopes: [] };
  return await read(
    await server.fetch(
      new Request("http://localhost/mcp", {
        ...init,
        headers: { ...init.headers as Record<string, string>, ...headers },
      }),
      { authInfo, ...from !== null && { remoteAddr: { hostname: from } } },
    ),
  );
}

const refused = { status: 429, code: -32005 };

Deno.test("who calls a tool too often is told when to come back", async () => {
  const { server, clock, runs } = limited({ tool: MINUTE });
  await using _ = server;
  const first = await call(server);
  assert.equal(first.status, 200);
  assert.equal(
    first.headers.get("ratelimit-policy"),
    '"tool search";q=2;w=60',
  );
  assert.equal(first.headers.get("ratelimit"), '"tool search";r=1;t=60');
  assert.equal(first.headers.get("content-type"), "application/json");
  await clock.advance(20_000);
  assert.equal((await call(server)).status, 200);
  const third = await call(server);
  assertRefused(third, { ...refused, id: 1, says: /rate limit is used up/ });
  assert.deepEqual(third.body.error!.data, {
    reason: "rate_limited",
    retryAfterMs: 40_000,
  });
  assert.equal(third.headers.get("retry-after"), "40");
  assert.equal(third.headers.get("ratelimit"), '"tool search";r=0;t=60');
  assert.equal(runs(), 2);
  const free = await call(server, { name: "free" });
  assert.equal(free.status, 200);
  assert.equal(free.headers.get("ratelimit"), null);
  await clock.advance(40_000);
  assert.equal((await call(server)).status, 200);
});

Deno.test("a server's limit is of all that a caller asks, beside its tools' own", async () => {
  const { server } = limited({
    server: { ...MINUTE, limit: 3 },
    tool: { ...MINUTE, limit: 1 },
  });
  await using _ = server;
  const first = await call(server);
  assert.equal(
    first.headers.get("ratelimit"),
    '"server";r=2;t=60, "tool search";r=0;t=60',
  );
  assertRefused(await call(server), refused);
  assert.equal((await call(server, { name: "free" })).status, 200);
  const last = await call(server, { name: "free" });
  assertRefused(last, refused);
  assert.equal(last.headers.get("ratelimit"), '"server";r=0;t=60');
  assert.equal((await call(server, { from: "203.0.113.8" })).status, 200);
});

Deno.test("callers are counted by who they are, or else by where they are", async () => {
  const { server } = limited({ tool: { ...MINUTE, limit: 1 } });
  await using _ = server;
  const somewhere = { as: "ada", from: "203.0.113.1" };
  assert.equal((await call(server, somewhere)).status, 200);
  // Wherever she goes, she is counted; whoever else is there is not she.
  assertRefused(
    await call(server, { as: "ada", from: "203.0.113.2" }),
    refused,
  );
  assert.equal(
    (await call(server, { as: "alan", from: "203.0.113.1" })).status,
    200,
  );
  assert.equal((await call(server, { from: "203.0.113.1" })).status, 200);
  assertRefused(await call(server, { from: "::ffff:203.0.113.1" }), refused);
  // A caller can't take the name of an address.
  const named = { as: "203.0.113.1" };
  assert.equal((await call(server, named)).status, 200);
});

Deno.test("IPv6 addresses are counted by their /64", async () => {
  const { server } = limited({ tool: { ...MINUTE, limit: 1 } });
  await using _ = server;
  const from = (address: string) => call(server, { from: address });
  assert.equal((await from("2001:db8:1:2::1")).status, 200);
  assertRefused(await from("2001:db8:1:2:ffff::9"), refused);
  assert.equal((await from("2001:db8:1:3::1")).status, 200);
});

Deno.test("by address, it doesn't matter who asks", async () => {
  const { server } = limited({
    tool: { ...MINUTE, limit: 1, by: "address" },
  });
  await using _ = server;
  assert.equal((await call(server, { as: "ada" })).status, 200);
  assertRefused(await call(server, { as: "alan" }), refused);
});

Deno.test("behind a trusted proxy its callers are counted, not the proxy", async () => {
  const { server } = limited({ tool: { ...MINUTE, limit: 1 } }, {
    trustedProxies: "loopback",
  });
  await using _ = server;
  const via = (address: string, from = "127.0.0.1") =>
    call(server, { from, headers: { "x-forwarded-for": address } });
  assert.equal((await via("203.0.113.1")).status, 200);
  assertRefused(await via("203.0.113.1"), refused);
  assertRefused(await via("6.6.6.6, 203.0.113.1"), refused);
  assert.equal((await via("203.0.113.2")).status, 200);
  // Nobody gets a new limit by inventing addresses.
  assert.equal((await via("6.6.6.6", "203.0.113.3")).status, 200);
  assertRefused(await via("6.6.6.7", "203.0.113.3"), refused);
});

Deno.test("a key of the author's counts, and none is not counted", async () => {
  const { server, log } = limited({
    tool: {
      ...MINUTE,
      limit: 1,
      by: ({ requestInfo }) => {
        const tenant = requestInfo!.headers["x-tenant"];
        return tenant === "broken" ? 7 as never : tenant as string;
      },
    },
  });
  await using _ = server;
  const of = (tenant?: string) =>
    call(server, {
      headers: tenant === undefined ? {} : { "x-tenant": tenant },
    });
  assert.equal((await of("a")).status, 200);
  assertRefused(await of("a"), refused);
  assert.equal((await of("b")).status, 200);
  for (let n = 0; n < 3; n++) assert.equal((await of()).status, 200);
  const { body } = await of("broken");
  assert.equal(body.error!.code, -32603);
  assert.match(
    JSON.stringify(log.at(-1)),
    /tool search: rateLimit\.by must return a string.*got 7/,
  );
});

for (const eventStore of [undefined, new MemoryEventStore()]) {
  const how = eventStore === undefined ? "" : " that can resume";
  Deno.test(`legacy clients${how} are refused alike`, async () => {
    const { server } = limited({ tool: { ...MINUTE, limit: 1 } }, {
      eventStore,
    });
    await using _ = server;
    const client = await LegacyClient.open(server);
    const first = await client.ask("tools/call", { name: "search" });
    assert.equal(first.status, 200);
    const second = await client.ask("tools/call", { name: "search" }, 2);
    assertRefused(second, { ...refused, id: 2 });
    assert.equal(second.headers.get("retry-after"), "60");
    assert.equal(second.headers.get("ratelimit"), '"tool search";r=0;t=60');
    assert.equal(second.headers.get("mcp-session-id"), client.sessionId);
  });
}

Deno.test("each request of a batch is counted", async () => {
  const { server, runs } = limited({ tool: { ...MINUTE, limit: 1 } });
  await using _ = server;
  const client = await LegacyClient.open(server, "2025-03-26");
  const request = (id: number) => ({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: "search" },
  });
  const { status, body } = await client.post([request(1), request(2)]);
  assert.equal(status, 200);
  assert.equal(runs(), 1);
  assert.match(JSON.stringify(body), /"code":-32005/);
});

Deno.test("where there is no network, the one client is counted", async () => {
  const { server } = limited({ tool: { ...MINUTE, limit: 1 } });
  await using _ = server;
  await server.call("tools/call", { name: "search" });
  await assert.rejects(
    server.call("tools/call", { name: "search" }),
    { code: -32005, data: { reason: "rate_limited", retryAfterMs: 60_000 } },
  );
});

Deno.test("a tool that streams tells the rest of its limit in the stream's headers", async () => {
  const { server } = limited({});
  await using _ = server;
  server.registerTool("steps", { rateLimit: MINUTE }, async function* () {
    yield 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
    return "done";
  });
  const init = modernPost(modernCall("tools/call", {
    name: "steps",
    _meta: { progressToken: 1 },
  }));
  const response = await server.fetch(
    new Request("http://localhost/mcp", init),
  );
  assert.match(response.headers.get("content-type")!, /event-stream/);
  assert.equal(response.headers.get("ratelimit"), '"tool steps";r=1;t=60');
  await response.text();
});

Deno.test("pages of other origins may read when to come back", async () => {
  const { server } = limited({ tool: MINUTE }, {
    allowedOrigins: ["https://app.example"],
  });
  await using _ = server;
  const { headers } = await call(server, {
    headers: { origin: "https://app.example" },
  });
  const exposed = headers.get("access-control-expose-headers")!;
  for (const name of ["retry-after", "ratelimit", "ratelimit-policy"]) {
    assert.ok(exposed.split(", ").includes(name), name);
  }
});

Deno.test("refusals are counted by reason, and logged once in a while", async () => {
  const { server, clock, log } = limited(
    { tool: { ...MINUTE, limit: 1 } },
    {},
    "counted",
  );
  await using _ = server;
  for (let n = 0; n < 6; n++) await call(server);
  const lines = () => log.filter(({ message }) => /rate limit/.test(message));
  assert.equal(lines().length, 1);
  assert.equal(
    lines()[0].message,
    "calls over the rate limit of tool search are refused",
  );
  assert.equal(lines()[0].fields!.address, "203.0.113.9");
  await clock.advance(10_000);
  await call(server);
  assert.equal(lines()[1].fields!.swallowed, 4);
  const metrics = await (await server.fetch(
    new Request("http://localhost/metrics"),
  )).text();
  assert.match(
    metrics,
    /operation_errors_total\{mcp_method_name="tools\/call",gen_ai_tool_name="search",error_type="rate_limited"\} 6\n/,
  );
  assert.match(
    metrics,
    /sluice_limiter_refused_total\{name="counted: tool search"\} 6\n/,
  );
});

Deno.test("options that make no sense are refused, and say whose they are", () => {
  const wrong: [unknown, RegExp][] = [
    [{ limit: 0, intervalMs: 1 }, /^tool x: rateLimit\.limit must be/],
    [{ limit: 1 }, /^tool x: rateLimit\.intervalMs must be/],
    [{ ...MINUTE, burst: 2 }, /^tool x: rateLimit\.burst belongs/],
    [{ ...MINUTE, by: "session" }, /^tool x: rateLimit\.by must be "caller"/],
    [{ ...MINUTE, by: null }, /^tool x: rateLimit\.by must be "caller"/],
    [{ ...MINUTE, windowMs: 1 }, /^tool x: rateLimit has no option "windowMs"/],
    [{ ...MINUTE, clock: {} }, /^tool x: rateLimit has no option "clock"/],
    [10, /^tool x: rateLimit: the options must be an object, got 10/],
    [null, /^tool x: rateLimit: the options must be an object, got null/],
  ];
  for (const [rateLimit, says] of wrong) {
    const server = new McpServer({ name: "x", version: "1" });
    assert.throws(
      () =>
        server.registerTool("x", { rateLimit: rateLimit as never }, () => 1),
      (error) =>
        error instanceof InvalidOptionError && says.test(error.message),
      String(says),
    );
    assert.throws(
      () =>
        new McpServer({ name: "x", version: "1" }, {
          rateLimit: rateLimit as never,
        }),
      (error) =>
        error instanceof InvalidOptionError &&
        /^server: rateLimit/.test(error.message),
    );
  }
});

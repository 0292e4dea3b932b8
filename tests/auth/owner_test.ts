import assert from "node:assert/strict";
import {
  type AuthInfo,
  type LogRecord,
  McpServer,
  MemoryEventStore,
} from "../../mod.ts";
import { ask, initialize, post, within } from "../transport/wire.ts";
import { modernCall, modernPost } from "../transport/wire.ts";
import { Issuer } from "./issuer.ts";

type Options = ConstructorParameters<typeof McpServer>[1];

async function serverOf(options: Options = {}) {
  const issuer = await Issuer.make();
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    auth: issuer.auth({ skewMs: 100, now: Date.now }),
    ...options,
  });
  const bearer = async (claims: Record<string, unknown> = {}) => ({
    authorization: `Bearer ${await issuer.token(claims)}`,
  });
  return { issuer, server, bearer };
}

Deno.test("a session goes on with a refreshed token, and is unknown to others", async () => {
  const { server, bearer } = await serverOf({
    eventStore: new MemoryEventStore(),
  });
  const opened = await post(server, initialize(), { headers: await bearer() });
  const id = opened.headers.get("mcp-session-id")!;
  const ping = async (claims: Record<string, unknown>) => {
    const headers = { ...await bearer(claims), "mcp-session-id": id };
    const message = { jsonrpc: "2.0", id: 1, method: "ping" };
    return (await post(server, message, { headers })).status;
  };
  assert.equal(await ping({}), 200);
  assert.equal(await ping({ jti: "refreshed", scope: "read more" }), 200);
  assert.equal(await ping({ sub: "eve" }), 404);
  for (const method of ["GET", "DELETE"]) {
    const { status } = await post(server, undefined, {
      method,
      headers: {
        ...await bearer({ sub: "eve" }),
        "mcp-session-id": id,
        "last-event-id": "1",
      },
    });
    assert.equal(status, 404);
  }
  await server.close();
});

Deno.test("tasks belong to the identity, not to the token or its client", async () => {
  const { server, bearer } = await serverOf();
  server.registerTool("work", {}, (ctx) => ctx.runAsTask(() => "done"));
  const _meta = {
    "io.modelcontextprotocol/clientCapabilities": {
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
  };
  const { body } = await ask(server, "tools/call", { name: "work", _meta }, {
    headers: await bearer(),
  });
  const { taskId } = body.result;
  const get = async (claims: Record<string, unknown>) =>
    (await ask(server, "tasks/get", { taskId, _meta }, {
      headers: await bearer(claims),
    })).body;
  assert.equal((await get({ jti: "2" })).error, undefined);
  assert.equal((await get({ client_id: "another" })).error, undefined);
  assert.match((await get({ sub: "eve" })).error!.message, /unknown task/);
  await server.close();
});

Deno.test("request states belong to the identity", async () => {
  const { server, bearer } = await serverOf();
  server.registerTool("ask", {}, async (ctx) => {
    for (const message of ["one", "two"]) {
      await ctx.elicit({
        message,
        requestedSchema: { type: "object", properties: {} },
      });
    }
    return "done";
  });
  const _meta = {
    "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } },
  };
  const call = async (claims: object, params: object = {}) =>
    (await ask(server, "tools/call", { name: "ask", _meta, ...params }, {
      headers: await bearer(claims as Record<string, unknown>),
    })).body;
  const answers = ({ inputRequests }: { inputRequests: object }) =>
    Object.fromEntries(
      Object.keys(inputRequests).map((
        key,
      ) => [key, { action: "accept", content: {} }]),
    );
  const first = (await call({})).result;
  const second = (await call({}, { inputResponses: answers(first) })).result;
  const { requestState } = second;
  const round = { inputResponses: answers(second), requestState };
  assert.match((await call({ sub: "eve" }, round)).error!.message, /caller/);
  const done = await call({ jti: "refreshed" }, round);
  assert.equal(done.result.content[0].text, "done");
});

Deno.test("cached results belong to the identity", async () => {
  const { server, bearer } = await serverOf();
  let runs = 0;
  server.registerTool("count", {
    annotations: { readOnlyHint: true },
    cache: { ttlMs: 60_000 },
  }, (ctx) => `${ctx.caller?.subject} ${++runs}`);
  const call = async (claims: Record<string, unknown>) =>
    (await ask(server, "tools/call", { name: "count" }, {
      headers: await bearer(claims),
    })).body.result.content[0].text;
  assert.equal(await call({}), "ada 1");
  assert.equal(await call({ jti: "2" }), "ada 1");
  assert.equal(await call({ sub: "eve" }), "eve 2");
  await server.close();
});

const soon = () => Math.floor(Date.now() / 1_000) + 1;

Deno.test("streams end with their caller's token, each kind of them", async () => {
  const { server, bearer } = await serverOf({ httpSsePair: true });
  let aborted = 0;
  server.registerTool("wait", {}, async (ctx) => {
    ctx.signal.addEventListener("abort", () => aborted++);
    await ctx.progress(1);
    return await new Promise<string>(() => {});
  });
  const exp = soon();
  const headers = await bearer({ exp });
  const listening = modernPost(
    modernCall("subscriptions/listen", {
      notifications: { toolsListChanged: true },
    }),
  );
  const waiting = modernPost(
    modernCall("tools/call", { name: "wait", _meta: { progressToken: 1 } }),
  );
  const session = (await post(server, initialize(), { headers })).headers
    .get("mcp-session-id")!;
  const requests: Record<string, Request> = {
    listen: new Request("http://localhost/mcp", {
      ...listening,
      headers: { ...listening.headers, ...headers },
    }),
    call: new Request("http://localhost/mcp", {
      ...waiting,
      headers: { ...waiting.headers, ...headers },
    }),
    standing: new Request("http://localhost/mcp", {
      headers: {
        ...headers,
        accept: "text/event-stream",
        "mcp-session-id": session,
      },
    }),
    pair: new Request("http://localhost/sse", { headers }),
  };
  const ended = Object.entries(requests).map(async ([kind, request]) => {
    const response = await server.fetch(request);
    assert.equal(response.status, 200, kind);
    await within(response.text());
    const late = Date.now() - (exp * 1_000 + 100);
    assert.ok(late > -50 && late < 2_000, `${kind} ended ${late} ms late`);
  });
  await Promise.all(ended);
  assert.equal(aborted, 1);
  assert.equal(server.stats.streams, 0);
  assert.equal(server.stats.subscriptions, 0);
  await server.close();
});

Deno.test("the environment's credential is the caller's on stdio", async () => {
  const issuer = await Issuer.make();
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    auth: issuer.auth(),
    log: () => {},
  });
  server.registerTool(
    "who",
    { scopes: ["read"] },
    (ctx) => `${ctx.caller?.subject}`,
  );
  const message = {
    ...modernCall("tools/call", { name: "who", arguments: {} }),
  };
  let written = "";
  const lines = [new TextEncoder().encode(JSON.stringify(message) + "\n")];
  const streams = {
    read: (buffer: Uint8Array) => {
      const line = lines.shift();
      if (line === undefined) return Promise.resolve(null);
      buffer.set(line);
      return Promise.resolve(line.length);
    },
    write: (bytes: Uint8Array) => {
      written += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  Deno.env.set("SLUICE_TOKEN", await issuer.token());
  try {
    await server.serveStdio({ streams, signals: false });
    Deno.env.set("SLUICE_TOKEN", "no.good.token");
    await assert.rejects(server.serveStdio({ streams, signals: false }), {
      name: "AuthRefusal",
      message: /^the credential in SLUICE_TOKEN: /,
    });
  } finally {
    Deno.env.delete("SLUICE_TOKEN");
  }
  assert.equal(JSON.parse(written).result.content[0].text, "ada");
});

Deno.test("callers that nothing tells apart are not let in, and the log says why", async () => {
  const good = { token: "t", clientId: "c", scopes: [] };
  for (
    const [given, fault] of [
      [{ token: "t", scopes: [], extra: { user: "ada" } }, /clientId .* undef/],
      [{ ...good, clientId: "" }, /clientId .* got ""/],
      [{ ...good, clientId: 5 }, /clientId .* got 5/],
      [{ ...good, scopes: "admin" }, /scopes .* got "admin"/],
      [{ ...good, extra: null }, /extra .* got null/],
    ] as [AuthInfo, RegExp][]
  ) {
    for (const byHost of [false, true]) {
      const log: LogRecord[] = [];
      await using server = new McpServer({ name: "t", version: "1" }, {
        log: (record) => log.push(record),
        ...(!byHost && { authenticate: () => given }),
      });
      for (const method of ["POST", "GET", "DELETE"]) {
        const request = new Request("http://localhost/mcp", {
          method,
          headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            "mcp-session-id": "q",
          },
          body: method === "POST" ? JSON.stringify(initialize()) : undefined,
        });
        const response = await server.fetch(
          request,
          byHost ? { authInfo: given } : undefined,
        );
        assert.equal(response.status, 500);
        await response.body?.cancel();
      }
      assert.equal(log.length, 1);
      for (const { message } of log) assert.match(message, fault);
    }
  }
});

Deno.test("no two identities have the same id", async () => {
  await using server = new McpServer({ name: "t", version: "1" });
  server.registerTool("id", {}, (ctx) => ctx.caller!.id);
  const ids = await Promise.all([
    { clientId: "app", extra: { sub: "x y" } },
    { clientId: "app x", extra: { sub: "y" } },
    { clientId: "app x y" },
    { clientId: "app x y", extra: { sub: "" } },
    { clientId: "c", extra: { iss: "i" } },
    { clientId: "z", extra: { iss: "i", sub: "c" } },
    { clientId: '["i","c"]' },
    { clientId: '["i",null,"c"]' },
    { clientId: '[null,"x y","app"]' },
  ].map(async (each) => {
    const authInfo = { token: "t", scopes: [], ...each };
    const called = await server.call("tools/call", { name: "id" }, {
      authInfo,
    });
    return (called.content as { text: string }[])[0].text;
  }));
  assert.equal(new Set(ids).size, ids.length, ids.join("\n"));
  assert.equal(ids[2], "app x y");
});

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  InvalidOptionError,
  McpServer,
  type McpServerOptions,
} from "../../mod.ts";
import type { HttpOptions, LogRecord } from "../../mod.ts";
import { TrustedProxies } from "../../src/transport/http/trusted_proxies.ts";
import { askedUrlOf } from "../../src/base/network_peer.ts";
import { modernCall, modernPost } from "./wire.ts";

const NOW = 1_700_000_000_500;
const URL_SENT = "http://127.0.0.1:8000/mcp?a=b";

function seen(
  headers: HeadersInit,
  from = "127.0.0.1",
  trusted: string | string[] = ["loopback", "10.0.0.0/8"],
) {
  const proxies = new TrustedProxies(trusted, () => NOW);
  const request = new Request(URL_SENT, { headers });
  const peer = proxies.callerBehind(request, {
    remoteAddr: { hostname: from },
  });
  return {
    address: peer?.remoteAddr?.hostname,
    url: askedUrlOf(request, peer),
    queuedMs: peer?.queuedMs,
  };
}

Deno.test("the caller is the first from the right that is not trusted", () => {
  const cases: [HeadersInit, string][] = [
    [{}, "127.0.0.1"],
    [{ "x-forwarded-for": "203.0.113.9" }, "203.0.113.9"],
    [{ "x-forwarded-for": "6.6.6.6, 203.0.113.9" }, "203.0.113.9"],
    [{ "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.0.0.2" }, "203.0.113.9"],
    [{ "x-forwarded-for": "10.0.0.1,10.0.0.2" }, "10.0.0.1"],
    [{ "x-forwarded-for": "203.0.113.9:4711" }, "203.0.113.9"],
    [{ "x-forwarded-for": "[2001:db8::1]:4711" }, "2001:db8::1"],
    [{ "x-forwarded-for": "[2001:DB8::1]" }, "2001:db8::1"],
    [{ "x-forwarded-for": "2001:db8:0::1" }, "2001:db8::1"],
    [{ "x-forwarded-for": "::ffff:203.0.113.9" }, "203.0.113.9"],
    [{ "x-forwarded-for": "6.6.6.6, ::ffff:10.0.0.2" }, "6.6.6.6"],
    // What is no address is nobody's: the proxy that says so is the caller.
    [{ "x-forwarded-for": "unknown" }, "127.0.0.1"],
    [{ "x-forwarded-for": "" }, "127.0.0.1"],
    [{ "x-forwarded-for": "6.6.6.6, unknown, 10.0.0.2" }, "10.0.0.2"],
    [{ "x-forwarded-for": "6.6.6.6,, 10.0.0.2" }, "10.0.0.2"],
    [{ "x-forwarded-for": "localhost" }, "127.0.0.1"],
    // Header lines are one list.
    [
      [["x-forwarded-for", "6.6.6.6"], ["x-forwarded-for", "203.0.113.9"]],
      "203.0.113.9",
    ],
    [{ forwarded: "for=203.0.113.9" }, "203.0.113.9"],
    [{ forwarded: 'For="[2001:db8::1]:4711";proto=https' }, "2001:db8::1"],
    [
      { forwarded: 'for=6.6.6.6, for=203.0.113.9;by=_x , for="10.0.0.2:1"' },
      "203.0.113.9",
    ],
    [{ forwarded: 'for="203.0.113.9:_hidden"' }, "203.0.113.9"],
    [{ forwarded: "for=_hidden" }, "127.0.0.1"],
    [{ forwarded: "for=6.6.6.6, proto=https" }, "127.0.0.1"],
    // A quote that a stranger has left open takes everything with it.
    [{ forwarded: 'for="6.6.6.6, for=203.0.113.9' }, "127.0.0.1"],
    [{ forwarded: 'for="6.6.6.6, for="[2001:db8::1]"' }, "127.0.0.1"],
    [{ forwarded: "for=6.6.6.6 for=203.0.113.9" }, "127.0.0.1"],
    // A stranger's own `Forwarded` passes through most proxies.
    [
      { forwarded: "for=6.6.6.6", "x-forwarded-for": "203.0.113.9" },
      "203.0.113.9",
    ],
  ];
  for (const [headers, address] of cases) {
    assert.equal(seen(headers).address, address, JSON.stringify(headers));
  }
});

Deno.test("nothing counts that comes from somebody who isn't trusted", () => {
  const headers = {
    "x-forwarded-for": "6.6.6.6",
    forwarded: "for=6.6.6.6;host=evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-request-start": "t=1700000000.000",
  };
  for (const from of ["203.0.113.9", "::2", "not an address", ""]) {
    assert.deepEqual(seen(headers, from), {
      address: from,
      url: URL_SENT,
      queuedMs: undefined,
    });
  }
  const proxies = new TrustedProxies("loopback");
  const request = new Request(URL_SENT, { headers });
  for (const peer of [undefined, {}, { remoteAddr: {} }]) {
    assert.equal(proxies.callerBehind(request, peer), peer);
  }
  for (const from of ["::ffff:127.0.0.1", "::1", "127.9.9.9"]) {
    assert.equal(seen(headers, from).address, "6.6.6.6", from);
  }
});

Deno.test("the URL is the one that the caller asked for", () => {
  const x = (host?: string, proto?: string, addresses = "203.0.113.9") => ({
    ...host !== undefined && { "x-forwarded-host": host },
    ...proto !== undefined && { "x-forwarded-proto": proto },
    "x-forwarded-for": addresses,
  });
  const cases: [HeadersInit, string][] = [
    [x("mcp.example.com", "https"), "https://mcp.example.com/mcp?a=b"],
    [x("mcp.example.com:8443"), "http://mcp.example.com:8443/mcp?a=b"],
    [x("[2001:db8::1]:8443"), "http://[2001:db8::1]:8443/mcp?a=b"],
    [x(undefined, "HTTPS"), "https://127.0.0.1:8000/mcp?a=b"],
    [
      x("evil.example, mcp.example.com", "http, https"),
      "https://mcp.example.com/mcp?a=b",
    ],
    // Two proxies: what the outer one says counts.
    [
      x("outer.example, inner.example", "https, http", "203.0.113.9, 10.0.0.2"),
      "https://outer.example/mcp?a=b",
    ],
    [
      x("outer.example", "https", "203.0.113.9, 10.0.0.2"),
      "https://outer.example/mcp?a=b",
    ],
    ...[
      "evil.example/x",
      "a@evil.example",
      "a b",
      "",
      "evil.example?",
      "[::1",
      "a:99999",
    ].map(
      (host): [HeadersInit, string] => [x(host), URL_SENT],
    ),
    ...["ftp", "javascript", ""].map(
      (proto): [HeadersInit, string] => [x(undefined, proto), URL_SENT],
    ),
    [
      { forwarded: 'for=203.0.113.9;host="mcp.example.com:8443";proto=https' },
      "https://mcp.example.com:8443/mcp?a=b",
    ],
    [{ forwarded: "for=6.6.6.6;host=evil.example, for=203.0.113.9" }, URL_SENT],
  ];
  for (const [headers, url] of cases) {
    assert.equal(seen(headers).url, url, JSON.stringify(headers));
  }
});

Deno.test("X-Request-Start says how long a request has been waiting", () => {
  const cases: [string, number | undefined][] = [
    ["t=1700000000.250", 250],
    ["1700000000.250", 250],
    ["t=1700000000", 500],
    ["1700000000300", 200],
    ["t=1700000000300000", 200],
    ["1700000000300000000", 200],
    ["1600000000000, t=1700000000.250", 250],
    // A clock that is a little ahead.
    ["1700000000900", 0],
    // One that is wrong altogether, and what is no time at all.
    ["1690000000000", undefined],
    ["170000000000", undefined],
    ["t=", undefined],
    ["yesterday", undefined],
    ["1700000000300; x", undefined],
    ["-1700000000300", undefined],
    ["1e12", undefined],
  ];
  for (const [header, queuedMs] of cases) {
    const read = seen({ "x-request-start": header }).queuedMs;
    assert.equal(
      read === undefined ? read : Math.round(read),
      queuedMs,
      header,
    );
  }
});

Deno.test("no header makes a caller that no trusted proxy has vouched for", () => {
  const node = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((each) => `[${each}]:1`),
    fc.string({ unit: "binary-ascii" }),
  );
  fc.assert(fc.property(fc.array(node, { maxLength: 5 }), (nodes) => {
    const text = nodes.join(", ").replaceAll(/[^\x21-\x7e ]/g, "?");
    assert.equal(
      seen({ "x-forwarded-for": `${text}, 203.0.113.9` }).address,
      "203.0.113.9",
    );
    const { address } = seen({ forwarded: `${text}, for=203.0.113.9` });
    assert.ok(address === "203.0.113.9" || address === "127.0.0.1");
  }));
});

Deno.test("a header of a megabyte is read in no time", () => {
  const begun = performance.now();
  for (const each of ["1.2.3.4,", 'for="\\a', ";;,,", "for=a,", " \t"]) {
    const long = each.repeat(1_000_000 / each.length);
    seen({ "x-forwarded-for": `x${long}` });
    seen({ forwarded: `x${long}` });
  }
  assert.ok(performance.now() - begun < 5_000);
});

interface Known {
  address: string | null;
  url: string;
}

/** A server that says what it knows of its caller. */
function knowing(options: McpServerOptions & HttpOptions): McpServer {
  const server = new McpServer({ name: "knowing", version: "1.0.0" }, options);
  server.registerTool("who", {}, (ctx) => ({
    structuredContent: {
      address: ctx.http?.address ?? null,
      url: ctx.requestInfo!.url!.href,
    },
  }));
  server.registerTool("fails", {}, () => {
    throw new Error("no luck");
  });
  return server;
}

async function ask(
  server: McpServer,
  headers: Record<string, string>,
  { name = "who", from = "127.0.0.1" } = {},
): Promise<{ status: number; known?: Known; message?: string }> {
  const message = modernCall("tools/call", { name });
  const init = modernPost(message);
  const response = await server.fetch(
    new Request("http://127.0.0.1:8000/mcp", {
      ...init,
      headers: { ...init.headers as Record<string, string>, ...headers },
    }),
    { remoteAddr: { hostname: from } },
  );
  const { result, error } = await response.json();
  return {
    status: response.status,
    known: result?.structuredContent,
    message: error?.message,
  };
}

const FORWARDED = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-host": "mcp.example.com",
  "x-forwarded-proto": "https",
};

Deno.test("handlers and the log have one address, as trusted proxies say", async () => {
  const log: LogRecord[] = [];
  await using server = knowing({
    log: (record) => log.push(record),
    trustedProxies: "loopback",
    publicUrl: "https://mcp.example.com",
  });
  assert.deepEqual((await ask(server, FORWARDED)).known, {
    address: "203.0.113.9",
    url: "https://mcp.example.com/mcp",
  });
  await ask(server, FORWARDED, { name: "fails" });
  assert.equal(log.at(-1)!.fields?.address, "203.0.113.9");
  assert.deepEqual(
    (await ask(server, FORWARDED, { from: "198.51.100.1" })).known,
    { address: "198.51.100.1", url: "http://127.0.0.1:8000/mcp" },
  );
});

Deno.test("without trusted proxies everybody is who the connection says", async () => {
  await using server = knowing({});
  assert.deepEqual((await ask(server, FORWARDED)).known, {
    address: "127.0.0.1",
    url: "http://127.0.0.1:8000/mcp",
  });
});

Deno.test("the host and the origin are those that the caller sees", async () => {
  await using server = knowing({
    trustedProxies: ["127.0.0.1"],
    publicUrl: "https://mcp.example.com",
  });
  const origin = "https://mcp.example.com";
  assert.equal((await ask(server, { ...FORWARDED, origin })).status, 200);
  assert.equal((await ask(server, { origin })).status, 403);
  const strange = await ask(server, {
    ...FORWARDED,
    "x-forwarded-host": "evil.example",
  });
  assert.equal(strange.status, 403);
  assert.match(strange.message!, /"evil\.example" is not allowed/);
});

Deno.test("an operator is known by the address that the proxy vouches for", async () => {
  const seen: (string | undefined)[] = [];
  await using server = knowing({
    trustedProxies: "loopback",
    debug: true,
    authorizeOperator: (_request: Request, address: string | undefined) => {
      seen.push(address);
      return address === "203.0.113.9";
    },
  } as McpServerOptions);
  const visit = async (headers: Record<string, string>) => {
    const response = await server.fetch(
      new Request("http://localhost/debug/profile?seconds=0", { headers }),
      { remoteAddr: { hostname: "::ffff:127.0.0.1" } },
    );
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await visit({ "x-forwarded-for": "203.0.113.9" }), 400);
  assert.equal(await visit({ "x-forwarded-for": "203.0.113.9, 6.6.6.6" }), 403);
  assert.equal(await visit({}), 403);
  assert.deepEqual(seen, ["203.0.113.9", "6.6.6.6", "127.0.0.1"]);
});

Deno.test("no forwarded caller is an operator by default, wherever it says it is", async () => {
  await using server = knowing({
    trustedProxies: "loopback",
    debug: true,
  } as McpServerOptions);
  for (const address of ["203.0.113.9", "127.0.0.1", "::1", "unknown"]) {
    const response = await server.fetch(
      new Request("http://localhost/debug/profile?seconds=0", {
        headers: { "x-forwarded-for": address },
      }),
      { remoteAddr: { hostname: "127.0.0.1" } },
    );
    assert.equal(response.status, 403, address);
    await response.body?.cancel();
  }
});

Deno.test("what can be no proxy is refused when the server is made", () => {
  for (const trustedProxies of ["nginx", ["10.0.0.0/99"], 7, true]) {
    assert.throws(
      () => knowing({ trustedProxies } as never),
      (error) =>
        error instanceof InvalidOptionError &&
        /^trustedProxies /.test(error.message),
    );
  }
});

import assert from "node:assert/strict";
import {
  ApiKeys,
  apiKeys,
  type ApiKeysOptions,
  type GivenApiKey,
  McpServer,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import {
  ask,
  initialize,
  modernCall,
  modernPost,
  post,
} from "../transport/wire.ts";
import { Issuer } from "./issuer.ts";

const KEY = "3f9c5be1a07d4c62";
const OTHER = "3f9c5be1a07d4c63";

function serverOf(...auth: ConstructorParameters<typeof McpServer>[1][]) {
  const server = new McpServer({ name: "notes", version: "1.0.0" }, auth[0]);
  server.registerTool("whoami", {}, (ctx) => `${ctx.caller?.id}`);
  return server;
}

function whoami(server: McpServer, headers: Record<string, string>) {
  return ask(server, "tools/call", { name: "whoami", arguments: {} }, {
    headers,
  });
}

async function digestOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

const given = (options: ApiKeysOptions) => serverOf({ auth: apiKeys(options) });

Deno.test("a key names its caller, given as it is, by digest, or looked up", async () => {
  const digest = await digestOf(KEY);
  for (
    const options of [
      { keys: [{ name: "nightly", key: KEY }] },
      { keys: [{ name: "nightly", digest: digest.toUpperCase() }] },
      {
        lookup: (asked: string) =>
          asked === digest ? { name: "nightly" } : undefined,
      },
    ]
  ) {
    const server = given(options);
    const { status, body } = await whoami(server, { "x-api-key": KEY });
    assert.equal(status, 200);
    assert.equal(
      body.result.content[0].text,
      '["urn:sluice:api-keys","nightly"]',
    );
    for (const key of [OTHER, "", `${KEY}x`, "constructor"]) {
      const refused = await whoami(server, { "x-api-key": key });
      assert.equal(refused.status, 401);
      assert.equal(
        refused.headers.get("www-authenticate"),
        'ApiKey header="x-api-key"',
      );
    }
  }
});

Deno.test("what is no single key is malformed", async () => {
  const server = given({ keys: [{ name: "nightly", key: KEY }] });
  for (const key of [`${KEY}, ${KEY}`, `${KEY} ${KEY}`, "k".repeat(2_000)]) {
    const { status, text } = await whoami(server, { "x-api-key": key });
    assert.equal(status, 400);
    assert.ok(!text.includes(KEY));
  }
});

Deno.test("a key in Authorization is a bearer token", async () => {
  const server = given({
    keys: [{ name: "nightly", key: KEY }],
    header: "Authorization",
  });
  assert.equal(
    (await whoami(server, { authorization: `Bearer ${KEY}` })).status,
    200,
  );
  assert.equal((await whoami(server, { "x-api-key": KEY })).status, 401);
});

Deno.test("keys expire, are revoked and added while the server runs", async () => {
  let now = 0;
  const keys = apiKeys({
    keys: [
      { name: "nightly", key: KEY, expiresAt: new Date(1_000) },
      { name: "daily", key: OTHER },
    ],
    now: () => now,
  });
  const server = serverOf({ auth: keys });
  const status = async (key: string) =>
    (await whoami(server, { "x-api-key": key })).status;
  assert.equal(await status(KEY), 200);
  now = 1_000;
  assert.equal(await status(KEY), 401);
  assert.equal(await status(OTHER), 200);
  assert.equal(keys.revoke("daily"), 1);
  assert.equal(keys.revoke("daily"), 0);
  assert.equal(await status(OTHER), 401);
  await keys.add({ name: "daily", key: OTHER });
  assert.equal(await status(OTHER), 200);
});

Deno.test("an end that is no date is refused, wherever the key is from", async () => {
  for (const expiresAt of [new Date("x"), "2020-01-01", 0]) {
    const key = { name: "nightly", expiresAt: expiresAt as Date };
    assert.throws(() => apiKeys({ keys: [{ ...key, key: KEY }] }), {
      name: "InvalidOptionError",
      message: /API key nightly: expiresAt must be a valid Date, got/,
    });
    const server = serverOf({ auth: apiKeys({ lookup: () => key }) });
    assert.equal((await whoami(server, { "x-api-key": KEY })).status, 500);
  }
});

Deno.test("a key is revoked in the turn that it was given in", async () => {
  const digest = await digestOf(KEY);
  for (const given of [{ key: KEY }, { digest }]) {
    const keys = apiKeys({ keys: [{ name: "nightly", ...given }] });
    const server = serverOf({ auth: keys });
    const status = async () =>
      (await whoami(server, { "x-api-key": KEY })).status;
    assert.equal(keys.revoke("nightly"), 1);
    assert.equal(await status(), 401);
    const added = keys.add({ name: "nightly", ...given });
    assert.equal(keys.revoke("nightly"), 1);
    await added;
    assert.equal(keys.revoke("nightly"), 0);
    assert.equal(await status(), 401);
    void keys.add({ name: "nightly", ...given });
    assert.equal(await status(), 200);
  }
});

Deno.test("of two names for one key the later one holds", async () => {
  const keys = apiKeys({
    keys: [
      { name: "first", key: KEY },
      { name: "second", digest: await digestOf(KEY) },
    ],
  });
  const server = serverOf({ auth: keys });
  const { text } = await whoami(server, { "x-api-key": KEY });
  assert.match(text, /second/);
  assert.equal(keys.revoke("first"), 0);
  assert.equal(keys.revoke("second"), 1);
  assert.equal((await whoami(server, { "x-api-key": KEY })).status, 401);
});

Deno.test("streams that a key has opened end when it is revoked", async () => {
  const keys = apiKeys({
    keys: [{ name: "nightly", key: KEY }, { name: "daily", key: OTHER }],
  });
  await using server = serverOf({ auth: keys });
  const opened = async (key: string) => {
    const headers = { "x-api-key": key };
    const filter = { notifications: { toolsListChanged: true } };
    const listen = new Request(
      "http://localhost/mcp",
      modernPost(modernCall("subscriptions/listen", filter)),
    );
    listen.headers.set("x-api-key", key);
    const listening = await server.fetch(listen);
    const session = await post(server, initialize(), { headers });
    const standing = await server.fetch(
      new Request("http://localhost/mcp", {
        headers: {
          ...headers,
          accept: "text/event-stream",
          "mcp-session-id": session.headers.get("mcp-session-id")!,
        },
      }),
    );
    assert.equal(standing.status, 200);
    return [listening, standing].map((each) => each.text());
  };
  const revoked = await opened(KEY);
  const kept = await opened(OTHER);
  assert.equal(keys.revoke("nightly"), 1);
  server.registerTool("later", {}, () => "");
  for (const text of await Promise.all(revoked)) {
    assert.doesNotMatch(text, /list_changed/);
  }
  await server.close();
  for (const text of await Promise.all(kept)) {
    assert.match(text, /list_changed/);
  }
});

Deno.test("several authenticators: the first that knows the credential decides", async () => {
  const issuer = await Issuer.make();
  const second = await Issuer.make("https://second.example.com");
  const keys = (header?: string) =>
    apiKeys({ keys: [{ name: "nightly", key: KEY }], header });
  for (
    const auth of [
      [keys(), issuer.auth(), second.auth()],
      [second.auth(), issuer.auth(), keys()],
    ]
  ) {
    const server = serverOf({ auth });
    const caller = async (headers: Record<string, string>) =>
      (await whoami(server, headers)).body.result?.content[0].text;
    assert.match(await caller({ "x-api-key": KEY }), /nightly/);
    for (const each of [issuer, second]) {
      const authorization = `Bearer ${await each.token()}`;
      assert.match(await caller({ authorization }), new RegExp(each.url));
      assert.equal(
        await caller({ authorization: `${authorization}x` }),
        undefined,
      );
    }
    const nobody = await whoami(server, {});
    assert.equal(nobody.status, 401);
    assert.match(
      nobody.headers.get("www-authenticate")!,
      /^Bearer resource_metadata="[^"]*", ApiKey header="x-api-key"$/,
    );
  }
  const server = serverOf({ auth: [keys("authorization"), issuer.auth()] });
  for (const token of [KEY, await issuer.token()]) {
    const { status } = await whoami(server, {
      authorization: `Bearer ${token}`,
    });
    assert.equal(status, 200);
  }
});

Deno.test("an unknown key takes as long as a wrong one", async () => {
  const keys = Array.from({ length: 1_000 }, (_, at) => ({
    name: `n${at}`,
    key: `${KEY}-${at}`,
  }));
  const auth = apiKeys({ keys });
  const timesOf = async (key: string) => {
    const begun = performance.now();
    await auth.recognize(key);
    return performance.now() - begun;
  };
  await timesOf(KEY);
  const median = (times: number[]) =>
    times.sort((a, b) => a - b)[times.length >> 1];
  const ratio = async () => {
    const times: Record<string, number[]> = { near: [], far: [] };
    for (let round = 0; round < 300; round++) {
      times.near.push(await timesOf(`${KEY}-99x`));
      times.far.push(await timesOf("zzzzzzzzzzzzzzzzzzzz"));
    }
    return median(times.near) / median(times.far);
  };
  // What else the machine does spoils a measurement now and then, but not all.
  await eventually(async () => {
    const measured = await ratio();
    return measured > 0.5 && measured < 2;
  });
});

Deno.test("keys that are none are refused when they are given", () => {
  for (
    const key of [
      { name: "", key: KEY },
      { name: "short", key: "short" },
      { name: "digest", digest: "abc" },
      { name: "scopes", key: KEY, scopes: ["a b"] },
    ] as GivenApiKey[]
  ) assert.throws(() => apiKeys({ keys: [key] }), /API key/);
  for (
    const [digest, got] of [
      [undefined, "undefined"],
      ["abc", "a text of 3 characters"],
      [KEY.padEnd(64, "?"), "a text of 64 characters"],
    ]
  ) {
    assert.throws(
      () => apiKeys({ keys: [{ name: "ci", digest } as GivenApiKey] }),
      {
        message: "API key ci: digest must be the key's SHA-256 in 64 " +
          `hexadecimal digits, got ${got}`,
      },
    );
  }
  assert.throws(() => apiKeys({ header: "a b" }), /header/);
  assert.ok(apiKeys({}) instanceof ApiKeys);
});

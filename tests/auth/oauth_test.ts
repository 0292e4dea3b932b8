import assert from "node:assert/strict";
import { SignJWT } from "jose";
import {
  type LogRecord,
  McpServer,
  type OAuthOptions,
  type TelemetryOptions,
} from "../../mod.ts";
import { provider } from "../observe/ended_spans.ts";
import { type Answer, ask, type HeaderSet } from "../transport/wire.ts";
import { Issuer, RESOURCE } from "./issuer.ts";

function serverOf(
  issuer: Issuer,
  options: Partial<OAuthOptions> = {},
  tracing: TelemetryOptions | false = false,
) {
  const records: LogRecord[] = [];
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    auth: issuer.auth(options),
    scopes: ["read"],
    tracing,
    slowMs: 0,
    log: (record) => void records.push(record),
  });
  server.registerTool("whoami", {}, (ctx) => ({
    structuredContent: {
      id: ctx.caller?.id,
      subject: ctx.caller?.subject,
      scopes: ctx.caller?.scopes,
    },
  }));
  return { server, records };
}

function whoami(
  server: McpServer,
  authorization: string | null,
  headers: HeaderSet = {},
  url?: string,
): Promise<Answer> {
  return ask(server, "tools/call", { name: "whoami", arguments: {} }, {
    headers: { authorization, ...headers },
    url,
  });
}

const challenge = ({ headers }: Answer) =>
  headers.get("www-authenticate") ?? "";

Deno.test("a good token names its caller, however the scheme is written", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  const token = await issuer.token({ scope: "read write" });
  for (const scheme of ["Bearer ", "bearer ", "BEARER ", "Bearer   "]) {
    const { status, body } = await whoami(server, scheme + token);
    assert.equal(status, 200);
    assert.deepEqual(body.result.structuredContent, {
      id: '["https://login.example.com","ada"]',
      subject: "ada",
      scopes: ["read", "write"],
    });
  }
  assert.equal(issuer.asked.get("/keys"), 1, "keys are fetched once");
});

Deno.test("nobody is let in without a token, and told what would do", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  for (const given of [null, "Basic YTpi", "Bearerish x"]) {
    const answer = await whoami(server, given);
    assert.equal(answer.status, 401);
    assert.equal(
      challenge(answer),
      'Bearer scope="read", resource_metadata="https://mcp.example.com' +
        '/.well-known/oauth-protected-resource/mcp"',
    );
  }
});

const seconds = (issuer: Issuer, more: number) =>
  Math.floor(issuer.now / 1_000) + more;

const BAD_CLAIMS: Record<string, (issuer: Issuer) => object> = {
  "expired": (issuer) => ({ exp: seconds(issuer, -31) }),
  "without expiry": () => ({ exp: undefined }),
  "with an expiry that is no time": () => ({ exp: "tomorrow" }),
  "not valid yet": (issuer) => ({ nbf: seconds(issuer, 40) }),
  "for another audience": () => ({ aud: "https://other.example.com/mcp" }),
  "for a longer audience": () => ({ aud: `${RESOURCE}/more` }),
  "for other audiences": () => ({ aud: ["a", "b"] }),
  "without audience": () => ({ aud: undefined }),
  "of another issuer": () => ({ iss: "https://evil.example.com" }),
  "of the issuer with a slash": () => ({ iss: "https://login.example.com/" }),
  "bound to a key": () => ({ cnf: { jkt: "x" } }),
  "bound to a certificate": () => ({ cnf: { "x5t#S256": "x" } }),
  "bound in a way of its own": () => ({ cnf: "x" }),
  "bound to nothing that can be read": () => ({ cnf: null }),
  "bound to many keys": () => ({ cnf: [{ jkt: "x" }] }),
};

for (const [what, claims] of Object.entries(BAD_CLAIMS)) {
  Deno.test(`a token ${what} is refused with 401`, async () => {
    const issuer = await Issuer.make();
    const { server } = serverOf(issuer);
    const token = await issuer.token(claims(issuer) as Record<string, unknown>);
    const answer = await whoami(server, `Bearer ${token}`);
    assert.equal(answer.status, 401);
    assert.match(challenge(answer), /^Bearer error="invalid_token", /);
    assert.ok(!answer.text.includes(token));
  });
}

Deno.test("clocks may differ by the skew", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  for (
    const claims of [
      { exp: seconds(issuer, -20) },
      { nbf: seconds(issuer, 20) },
    ]
  ) {
    const token = await issuer.token(claims);
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
  }
});

Deno.test("audiences are compared without case of the host and a last slash", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  const aud = ["x", "HTTPS://MCP.example.com/mcp/"];
  const token = await issuer.token({ aud });
  assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
});

const b64 = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-")
    .replaceAll("/", "_");

const FORGED: Record<string, (issuer: Issuer) => Promise<string>> = {
  "without a signature": async (issuer) => {
    const [, claims] = (await issuer.token()).split(".");
    return `${b64({ alg: "none" })}.${claims}.`;
  },
  "with an algorithm none and a signature": async (issuer) => {
    const [, claims, signature] = (await issuer.token()).split(".");
    return `${b64({ alg: "none", kid: "first" })}.${claims}.${signature}`;
  },
  "signed with the public key as a secret": async (issuer) => {
    const spki = await crypto.subtle.exportKey("spki", issuer.publicKey);
    return await new SignJWT({
      iss: issuer.url,
      aud: RESOURCE,
      sub: "eve",
      exp: seconds(issuer, 60),
    }).setProtectedHeader({ alg: "HS256", kid: "first" })
      .sign(new Uint8Array(spki));
  },
  "whose algorithm was swapped": async (issuer) => {
    const [, claims, signature] = (await issuer.token()).split(".");
    return `${b64({ alg: "PS256", kid: "first" })}.${claims}.${signature}`;
  },
  "whose claims were changed": async (issuer) => {
    const [header, claims, signature] = (await issuer.token()).split(".");
    const changed = { ...JSON.parse(atob(claims)), sub: "eve" };
    return `${header}.${b64(changed)}.${signature}`;
  },
  "with a forged kid": async (issuer) => {
    const other = await Issuer.make();
    await other.rotate("../../etc/passwd");
    other.now = issuer.now;
    return await other.token();
  },
  "of another key with the same kid": async (issuer) => {
    const other = await Issuer.make();
    other.now = issuer.now;
    return await other.token();
  },
  "with a jku of its own": async (issuer) => {
    const other = await Issuer.make();
    other.now = issuer.now;
    return await other.token({}, { jku: "https://evil.example.com/keys" });
  },
  "with a key of its own": async (issuer) => {
    const other = await Issuer.make();
    other.now = issuer.now;
    return await other.token({}, { jwk: other.jwks.keys[0] });
  },
  "with a critical header that nobody knows": (issuer) =>
    issuer.token({}, { crit: ["x"], x: 1 }, { crit: { x: true } }),
  "that is an id token": (issuer) => issuer.token({}, { typ: "logout+jwt" }),
  "that is no JWT": () => Promise.resolve("opaque-token"),
  "with garbage for parts": () => Promise.resolve("a.b.c"),
  "with empty parts": () => Promise.resolve(".."),
};

for (const [what, make] of Object.entries(FORGED)) {
  Deno.test(`a token ${what} is refused with 401`, async () => {
    const issuer = await Issuer.make();
    const { server } = serverOf(issuer);
    const token = await make(issuer);
    const answer = await whoami(server, `Bearer ${token}`);
    assert.equal(answer.status, 401, answer.text);
    assert.match(challenge(answer), /error="invalid_token"/);
    assert.deepEqual(
      [...issuer.asked.keys()].filter((path) => path.includes("evil")),
      [],
    );
  });
}

const MALFORMED: Record<string, string> = {
  "no token": "Bearer",
  "two tokens": "Bearer a b",
  "two headers": "Bearer a, Bearer b",
  "characters that no token has": "Bearer a\\b",
  "a token of 20 KB": `Bearer ${"a".repeat(20_000)}`,
};

for (const [what, header] of Object.entries(MALFORMED)) {
  Deno.test(`a header with ${what} is malformed: 400`, async () => {
    const issuer = await Issuer.make();
    const { server } = serverOf(issuer);
    const answer = await whoami(server, header);
    assert.equal(answer.status, 400);
    assert.match(challenge(answer), /error="invalid_request"/);
    assert.equal(issuer.asked.size, 0, "nobody is asked about it");
  });
}

Deno.test("a token in the query is refused, whatever else there is", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  const token = await issuer.token();
  const url = `http://localhost/mcp?access_token=${token}`;
  for (const authorization of [null, `Bearer ${token}`]) {
    for (let again = 0; again < 2; again++) {
      const answer = await whoami(server, authorization, {}, url);
      assert.equal(answer.status, 400);
      assert.ok(!answer.text.includes(token));
    }
  }
});

Deno.test("keys that are rotated are found, and a forged kid is not looked for each time", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  await whoami(server, `Bearer ${await issuer.token()}`);
  issuer.now += 10_000;
  await issuer.rotate("second", "ES256");
  const rotated = await issuer.token();
  assert.equal((await whoami(server, `Bearer ${rotated}`)).status, 200);
  assert.equal(issuer.asked.get("/keys"), 2);
  for (let at = 0; at < 20; at++) {
    const token = await issuer.token({ jti: `${at}` }, { kid: `forged-${at}` });
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 401);
  }
  assert.equal(issuer.asked.get("/keys"), 2, "not within ten seconds");
});

Deno.test("keys are fetched once for all that wait", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, at) => issuer.token({ jti: `${at}` })),
  );
  const answers = await Promise.all(
    tokens.map((token) => whoami(server, `Bearer ${token}`)),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(issuer.asked.get("/keys"), 1);
});

Deno.test("known keys serve on while the provider is away, and calls don't wait for it", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer, { timeoutMs: 50 });
  await whoami(server, `Bearer ${await issuer.token()}`);
  // Stale by now, and whoever asks for new ones waits for ever.
  issuer.now += 3_600_000;
  issuer.answers.set("/keys", () => new Promise<Response>(() => {}));
  for (let at = 0; at < 5; at++) {
    const token = await issuer.token({ jti: `${at}` });
    const begun = performance.now();
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
    assert.ok(performance.now() - begun < 1_000);
  }
  await new Promise((resolve) => setTimeout(resolve, 100)); // it has given up
  issuer.answers.set("/keys", null);
  issuer.now += 3_600_000;
  const token = await issuer.token();
  assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
});

const BAD_KEYS: Record<string, (() => Response | Promise<Response>) | null> = {
  "can't be reached": null,
  "are slow": () => new Promise<Response>(() => {}),
  "are no JSON": () => new Response("<html>"),
  "are no key set": () => Response.json({ keys: "none" }),
  "are enormous": () => Response.json({ keys: ["x".repeat(300_000)] }),
  "are too many": () => Response.json({ keys: Array(101).fill({}) }),
  "redirect elsewhere": () =>
    Response.redirect("https://evil.example.com/keys", 302),
  "fail": () => new Response("secret", { status: 500 }),
};

for (const [what, answer] of Object.entries(BAD_KEYS)) {
  Deno.test(`keys that ${what} let nobody in: 503`, async () => {
    const issuer = await Issuer.make();
    const { server, records } = serverOf(issuer, { timeoutMs: 50 });
    issuer.answers.set("/keys", answer);
    const token = await issuer.token();
    const refused = await whoami(server, `Bearer ${token}`);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(issuer.asked.has("https://evil.example.com/keys"), false);
    const written = JSON.stringify(records);
    assert.match(written, /checking a token failed/);
    assert.ok(!written.includes(token) && !written.includes("secret"));
    // The next one is told without asking again.
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 503);
    assert.equal(issuer.asked.get("/keys"), 1);
    issuer.answers.delete("/keys");
    issuer.now += 1_000;
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
  });
}

Deno.test("metadata of another issuer is not believed", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer);
  issuer.answers.set(
    "/.well-known/oauth-authorization-server",
    () =>
      Response.json({
        issuer: "https://evil.example.com",
        jwks_uri: "https://evil.example.com/keys",
      }),
  );
  const answer = await whoami(server, `Bearer ${await issuer.token()}`);
  assert.equal(answer.status, 503);
  assert.equal(issuer.asked.get("/keys"), undefined);
});

Deno.test("new tokens are bounded by address, known ones are not", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer, {
    newTokens: { limit: 3, intervalMs: 60_000 },
  });
  const good = `Bearer ${await issuer.token()}`;
  assert.equal((await whoami(server, good)).status, 200);
  for (let at = 0; at < 10; at++) {
    const token = await issuer.token({ jti: `good ${at}` });
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
  }
  const statuses = [];
  for (let at = 0; at < 4; at++) {
    const [header, claims] = (await issuer.token({ jti: `${at}` })).split(".");
    const answer = await whoami(server, `Bearer ${header}.${claims}.AAAA`);
    statuses.push(answer.status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 429]);
  assert.equal((await whoami(server, good)).status, 200);
  const stranger = `Bearer ${await issuer.token({ jti: "late" })}`;
  const late = await whoami(server, stranger);
  assert.equal(late.status, 429);
  assert.equal(late.headers.get("retry-after"), "20");
  issuer.now += 20_000;
  assert.equal((await whoami(server, stranger)).status, 200);
});

Deno.test("what nobody could look at doesn't count against an address", async () => {
  const issuer = await Issuer.make();
  const { server } = serverOf(issuer, {
    newTokens: { limit: 1, intervalMs: 60_000 },
  });
  issuer.answers.set("/keys", null);
  for (let at = 0; at < 3; at++) {
    const token = await issuer.token({ jti: `${at}` });
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 503);
  }
});

Deno.test("what is kept of tokens is bounded, and ends with the token", async () => {
  const issuer = await Issuer.make();
  let asked = 0;
  const { server } = serverOf(issuer, {
    maxTokens: 2,
    newTokens: false,
    cacheMs: 60_000,
    verify: (token) => {
      asked++;
      return { sub: token, scope: "read", exp: seconds(issuer, 20) };
    },
  });
  for (const token of ["a", "b", "b", "a", "c", "a", "b"]) {
    assert.equal((await whoami(server, `Bearer ${token}`)).status, 200);
  }
  assert.equal(asked, 4, "a, b, c, and b once more");
  issuer.now += 51_000;
  await whoami(server, "Bearer b");
  assert.equal(asked, 5);
});

Deno.test("opaque tokens are introspected, and kept for a while", async () => {
  const issuer = await Issuer.make();
  let active = true;
  const seen: string[] = [];
  issuer.answers.set("/introspect", async (request) => {
    seen.push(request.headers.get("authorization")!);
    const form = new URLSearchParams(await request.text());
    return Response.json(
      active && form.get("token") === "opaque"
        ? { active, sub: "ada", scope: "read", aud: RESOURCE }
        : { active: false },
    );
  });
  const { server } = serverOf(issuer, {
    introspection: { clientId: "mcp:1", clientSecret: "s3cret" },
  });
  for (let at = 0; at < 3; at++) {
    assert.equal((await whoami(server, "Bearer opaque")).status, 200);
  }
  assert.deepEqual(seen, [`Basic ${btoa("mcp%3A1:s3cret")}`]);
  assert.equal((await whoami(server, "Bearer other")).status, 401);
  active = false;
  assert.equal((await whoami(server, "Bearer opaque")).status, 200);
  issuer.now += 60_001;
  assert.equal((await whoami(server, "Bearer opaque")).status, 401, "revoked");
});

Deno.test("replicas share what was introspected, by digest", async () => {
  const { MemoryCache } = await import("../../mod.ts");
  await using store = new MemoryCache();
  const issuer = await Issuer.make();
  issuer.answers.set(
    "/introspect",
    () => Response.json({ active: true, scope: "read", aud: RESOURCE }),
  );
  const introspection = { clientId: "mcp", clientSecret: "s", store };
  for (let replica = 0; replica < 2; replica++) {
    const { server } = serverOf(issuer, { introspection });
    assert.equal((await whoami(server, "Bearer opaque")).status, 200);
  }
  assert.equal(issuer.asked.get("/introspect"), 1);
});

Deno.test("a token that names nobody is a caller of its own", async () => {
  const issuer = await Issuer.make();
  issuer.answers.set(
    "/introspect",
    () => Response.json({ active: true, scope: "read", aud: RESOURCE, sub: 5 }),
  );
  const introspection = { clientId: "mcp", clientSecret: "s" };
  const { server } = serverOf(issuer, { introspection });
  const idOf = async (token: string) =>
    (await whoami(server, `Bearer ${token}`)).body.result.structuredContent.id;
  const id = await idOf("opaque");
  assert.equal(await idOf("opaque"), id);
  assert.notEqual(await idOf("other"), id);
  assert.ok(!id.includes("opaque"));
});

Deno.test("nothing of a token is in logs, errors, spans or metrics", async () => {
  const issuer = await Issuer.make();
  const { ended, tracing } = provider();
  const { server, records } = serverOf(issuer, { newTokens: false }, tracing);
  const secret = await issuer.token({ sub: "very-secret-subject" });
  const [header, claims, signature] = secret.split(".");
  const texts: string[] = [];
  for (
    const token of [
      secret,
      `${header}.${claims}.${signature.slice(2)}AA`,
      `${header}.${claims.slice(4)}.${signature}`,
      signature,
    ]
  ) {
    const { text, headers } = await whoami(server, `Bearer ${token}`);
    if (!text.includes("structuredContent")) texts.push(text);
    texts.push(JSON.stringify([...headers]));
  }
  texts.push(JSON.stringify(records), JSON.stringify(server.readMetrics()));
  const metrics = await server.fetch(new Request("http://localhost/metrics"));
  texts.push(await metrics.text());
  assert.ok(ended.all.length > 0 && records.length > 0);
  texts.push(
    JSON.stringify(ended.all.map(({ name, attributes, events, status }) => ({
      name,
      attributes,
      events,
      status,
    }))),
  );
  for (const text of texts) {
    for (const part of [claims, signature, "very-secret-subject"]) {
      assert.ok(!text.includes(part.slice(0, 40)), text);
    }
  }
});

Deno.test("options that would let the wrong ones in are refused", () => {
  const issuer = new Issuer();
  for (
    const [options, complaint] of [
      [{ algorithms: ["HS256"] }, /asymmetric/],
      [{ algorithms: ["none"] }, /asymmetric/],
      [{ algorithms: [] }, /asymmetric/],
      [{ issuer: "http://login.example.com" }, /issuer must be an https URL/],
      [{ jwks: "http://login.example.com/keys" }, /jwks must be an https URL/],
      [{ skewMs: -1 }, /skewMs/],
      [{ introspection: { clientId: "", clientSecret: "" } }, /clientSecret/],
    ] as [Partial<OAuthOptions>, RegExp][]
  ) {
    assert.throws(() => issuer.auth(options), complaint);
  }
  assert.throws(
    () =>
      new McpServer({ name: "x", version: "1" }, {
        auth: issuer.auth({ audience: undefined }),
      }),
    /publicUrl/,
  );
  assert.throws(
    () =>
      new McpServer({ name: "x", version: "1" }, {
        auth: issuer.auth(),
        authenticate: () => undefined,
      }),
    /take one of them/,
  );
});

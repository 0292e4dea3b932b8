import assert from "node:assert/strict";
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
} from "jose";
import { McpServer } from "../../mod.ts";
import { ask } from "../transport/wire.ts";
import { Issuer, RESOURCE } from "./issuer.ts";

class Holder {
  readonly pair: CryptoKeyPair;
  readonly jwk: object;
  readonly thumbprint: string;

  private constructor(pair: CryptoKeyPair, jwk: object, thumbprint: string) {
    this.pair = pair;
    this.jwk = jwk;
    this.thumbprint = thumbprint;
  }

  static async make(): Promise<Holder> {
    const pair = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(pair.publicKey);
    return new Holder(pair, jwk, await calculateJwkThumbprint(jwk));
  }

  async proof(
    issuer: Issuer,
    token: string,
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const bytes = new TextEncoder().encode(token);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const all = {
      htm: "POST",
      htu: RESOURCE,
      iat: Math.floor(issuer.now / 1_000),
      jti: crypto.randomUUID(),
      ath: new Uint8Array(digest).toBase64({
        alphabet: "base64url",
        omitPadding: true,
      }),
      ...claims,
    };
    return await new SignJWT(JSON.parse(JSON.stringify(all)))
      .setProtectedHeader({
        alg: "ES256",
        typ: "dpop+jwt",
        jwk: this.jwk,
        ...header,
      }).sign(this.pair.privateKey);
  }
}

async function setUp(dpop = true) {
  const issuer = await Issuer.make();
  const holder = await Holder.make();
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    auth: issuer.auth({ dpop }),
  });
  server.registerTool("who", {}, (ctx) => `${ctx.caller?.subject}`);
  const token = await issuer.token({ cnf: { jkt: holder.thumbprint } });
  const call = (authorization: string, dpop: string | null) =>
    ask(server, "tools/call", { name: "who" }, {
      headers: { authorization, dpop },
    });
  return { issuer, holder, server, token, call };
}

Deno.test("a bound token is good with a proof for each request", async () => {
  const { issuer, holder, token, call } = await setUp();
  const proof = await holder.proof(issuer, token);
  const { status, body } = await call(`DPoP ${token}`, proof);
  assert.equal(status, 200);
  assert.equal(body.result.content[0].text, "ada");
  const inside = { htu: "http://localhost/mcp" };
  const other = await holder.proof(issuer, token, inside);
  assert.equal((await call(`dpop ${token}`, other)).status, 200);
  for (let again = 0; again < 2; again++) {
    const replayed = await call(`DPoP ${token}`, proof);
    assert.equal(replayed.status, 401);
    assert.match(
      replayed.headers.get("www-authenticate")!,
      /DPoP error="invalid_dpop_proof".*algs="[^"]*ES256/,
    );
  }
  issuer.now += 61_000;
  const late = await holder.proof(issuer, token);
  assert.equal((await call(`DPoP ${token}`, late)).status, 200);
});

type Proof = (issuer: Issuer, holder: Holder, token: string) => Promise<string>;

const BAD: Record<string, Proof> = {
  "for another method": (issuer, holder, token) =>
    holder.proof(issuer, token, { htm: "GET" }),
  "for another URL": (issuer, holder, token) =>
    holder.proof(issuer, token, { htu: "https://evil.example.com/mcp" }),
  "without a URL": (issuer, holder, token) =>
    holder.proof(issuer, token, { htu: undefined }),
  "for another token": (issuer, holder) => holder.proof(issuer, "other"),
  "for no token": (issuer, holder, token) =>
    holder.proof(issuer, token, { ath: undefined }),
  "without an id": (issuer, holder, token) =>
    holder.proof(issuer, token, { jti: undefined }),
  "that is too old": (issuer, holder, token) =>
    holder.proof(issuer, token, { iat: issuer.now / 1_000 - 100 }),
  "of the future": (issuer, holder, token) =>
    holder.proof(issuer, token, { iat: issuer.now / 1_000 + 100 }),
  "without a time": (issuer, holder, token) =>
    holder.proof(issuer, token, { iat: undefined }),
  "of another key": async (issuer, _holder, token) =>
    (await Holder.make()).proof(issuer, token),
  "signed by another key": async (issuer, holder, token) =>
    (await Holder.make()).proof(issuer, token, {}, { jwk: holder.jwk }),
  "of another type": (issuer, holder, token) =>
    holder.proof(issuer, token, {}, { typ: "JWT" }),
  "without a key": (issuer, holder, token) =>
    holder.proof(issuer, token, {}, { jwk: undefined }),
  "that is garbage": () => Promise.resolve("a.b.c"),
  "that is huge": () => Promise.resolve("a".repeat(10_000)),
};

for (const [what, make] of Object.entries(BAD)) {
  Deno.test(`a proof ${what} proves nothing`, async () => {
    const { issuer, holder, token, call } = await setUp();
    const proof = await make(issuer, holder, token);
    const { status, text } = await call(`DPoP ${token}`, proof);
    assert.equal(status, 401);
    assert.ok(!text.includes(token));
  });
}

Deno.test("a bound token is none without its proof, and a free one none with it", async () => {
  const { issuer, holder, token, call } = await setUp();
  assert.equal((await call(`DPoP ${token}`, null)).status, 401);
  // Once as a stranger, and once as known.
  for (let again = 0; again < 2; again++) {
    assert.equal((await call(`Bearer ${token}`, null)).status, 401);
    const proof = await holder.proof(issuer, token);
    assert.equal((await call(`DPoP ${token}`, proof)).status, 200);
    assert.equal((await call(`Bearer ${token}`, proof)).status, 401);
    assert.equal((await call(`Bearer DPoP ${token}`, proof)).status, 400);
  }
  const free = await issuer.token();
  assert.equal((await call(`Bearer ${free}`, null)).status, 200);
  const proof = await holder.proof(issuer, free);
  assert.equal((await call(`DPoP ${free}`, proof)).status, 401);
});

Deno.test("bound tokens are refused where nobody looks at proofs", async () => {
  const { issuer, holder, token, call } = await setUp(false);
  const proof = await holder.proof(issuer, token);
  assert.equal((await call(`DPoP ${token}`, proof)).status, 401);
  assert.equal((await call(`Bearer ${token}`, proof)).status, 401);
});

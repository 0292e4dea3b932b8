import assert from "node:assert/strict";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  DpopSession,
  StreamableHTTPClientTransport as V2Transport,
} from "@modelcontextprotocol/client";
import { McpServer, oauth } from "../../mod.ts";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import { freePort } from "../support/free_port.ts";
import {
  browse,
  DemoProvider,
  INTROSPECTOR,
} from "../../examples/auth/provider.ts";

const REDIRECT = "http://127.0.0.1:9/callback";

/** What an official client keeps of its authorization, and its user's browser. */
class Wallet {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadata = {
    client_name: "tests",
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  /** The scopes that the user was asked for, each time. */
  readonly asked: (string | null)[] = [];
  refreshed = 0;
  client: Loose | undefined;
  held: Loose | undefined;
  callback: URLSearchParams | undefined;
  #verifier = "";
  #discovery: Loose | undefined;

  clientInformation = () => this.client as never;
  saveClientInformation = (client: Loose) => {
    this.client = client;
  };
  tokens = () => this.held as never;
  saveTokens = (tokens: Loose) => {
    if (this.held !== undefined) this.refreshed++;
    this.held = tokens;
  };
  discoveryState = () => this.#discovery as never;
  saveDiscoveryState = (state: Loose) => {
    this.#discovery = state;
  };
  /** Set where tokens are to be bound to a key. */
  dpop: (() => Promise<DpopSession>) | undefined;
  codeVerifier = () => this.#verifier;
  saveCodeVerifier = (verifier: string) => {
    this.#verifier = verifier;
  };
  redirectToAuthorization = async (url: URL) => {
    this.asked.push(url.searchParams.get("scope"));
    assert.ok(url.searchParams.has("code_challenge"));
    assert.ok(url.searchParams.get("resource")?.endsWith("/mcp"));
    this.callback = await browse(url, REDIRECT);
  };
}

interface Leg {
  name: string;
  transport(url: URL, wallet: Wallet): Loose;
  finish(transport: Loose, callback: URLSearchParams): Promise<void>;
  connect(transport: Loose): Promise<TestClient>;
}

const v2 = (era: "modern" | "legacy"): Leg => ({
  name: `v2 ${era}`,
  transport: (url, authProvider) =>
    new V2Transport(url, { authProvider: authProvider as never }),
  finish: (transport, callback) => transport.finishAuth(callback),
  connect: (transport) => connectV2(transport, era),
});

const LEGS: Leg[] = [
  {
    name: "v1",
    transport: (url, authProvider) => new V1Transport(url, { authProvider }),
    finish: (transport, callback) => transport.finishAuth(callback.get("code")),
    connect: (transport) => connectV1(transport),
  },
  v2("legacy"),
  v2("modern"),
];

async function setUp(format: "jwt" | "opaque") {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const provider = await DemoProvider.start(await freePort(), {
    resource: `${publicUrl}/mcp`,
    format,
  });
  const server = new McpServer({ name: "notes", version: "1.0.0" }, {
    publicUrl,
    auth: oauth({
      issuer: provider.issuer,
      introspection: format === "opaque" ? INTROSPECTOR : undefined,
      cacheMs: format === "opaque" ? 0 : undefined,
      dpop: true,
    }),
    scopes: ["read"],
    log: () => {},
  });
  server.registerTool("read", {}, (ctx) => `${ctx.caller?.subject} reads`);
  server.registerTool(
    "write",
    { scopes: ["write"] },
    (ctx) => `${ctx.caller?.subject} writes`,
  );
  const running = await server.serve({ port, onListen: () => {} });
  return {
    provider,
    url: new URL(running.url),
    async [Symbol.asyncDispose]() {
      await server.close();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** Connects as a user would: is sent to the browser first. */
async function connect(
  leg: Leg,
  url: URL,
  wallet: Wallet,
): Promise<TestClient> {
  const first = leg.transport(url, wallet);
  await assert.rejects(leg.connect(first), /Unauthorized/);
  await leg.finish(first, wallet.callback!);
  await first.close();
  return await leg.connect(leg.transport(url, wallet));
}

/** Calls a tool that the token isn't enough for, and comes back with one that is. */
async function stepUp(
  leg: Leg,
  client: TestClient,
  wallet: Wallet,
): Promise<void> {
  // With a refresh token v1 refreshes instead, which widens nothing.
  if (leg.name === "v1") delete wallet.held!.refresh_token;
  await assert.rejects(client.tool("write"), /Unauthorized/);
  await leg.finish(client.transport, wallet.callback!);
  assert.equal(textOf(await client.tool("write")), "ada writes");
}

for (const leg of LEGS) {
  for (const format of ["jwt", "opaque"] as const) {
    Deno.test(`discovery to step-up, with ${format} tokens (${leg.name})`, async () => {
      await using setup = await setUp(format);
      const wallet = new Wallet();
      await using client = await connect(leg, setup.url, wallet);
      assert.ok(wallet.client?.client_id, "it has registered");
      assert.equal(textOf(await client.tool("read")), "ada reads");
      await stepUp(leg, client, wallet);
      assert.match(wallet.asked.at(-1)!, /\bwrite\b/);
      assert.match(wallet.asked.at(-1)!, /\bread\b/, "nothing is lost");

      // A token that was spoilt is refreshed, without asking the user.
      const asked = wallet.asked.length;
      wallet.refreshed = 0;
      wallet.held = { ...wallet.held, access_token: "spoilt" };
      assert.equal(textOf(await client.tool("read")), "ada reads");
      assert.equal(wallet.refreshed, 1);
      assert.equal(wallet.asked.length, asked);

      if (format === "jwt") return; // no provider can take these back
      await setup.provider.revoke(
        wallet.held!.access_token,
        wallet.client!.client_id,
      );
      await assert.rejects(
        fetch(setup.url, {
          method: "POST",
          headers: { authorization: `Bearer ${wallet.held!.access_token}` },
        }).then(async (response) => {
          await response.body?.cancel();
          if (response.status === 401) throw new Error("revoked");
        }),
        /revoked/,
      );
    });
  }
}

Deno.test("a client that binds its tokens to a key is let in with proofs", async () => {
  await using setup = await setUp("jwt");
  const leg = v2("modern");
  const wallet = new Wallet();
  const session = await DpopSession.create();
  wallet.dpop = () => Promise.resolve(session);
  await using client = await connect(leg, setup.url, wallet);
  assert.equal(wallet.held!.token_type, "DPoP");
  for (let at = 0; at < 3; at++) {
    assert.equal(textOf(await client.tool("read")), "ada reads");
  }
  const response = await fetch(setup.url, {
    method: "POST",
    headers: { authorization: `Bearer ${wallet.held!.access_token}` },
  });
  await response.body?.cancel();
  assert.equal(response.status, 401);
});

/**
 * Who may call what, all in one process: an authorization server, an MCP server
 * that takes its tokens and API keys, and an official client that registers, logs
 * in, and comes back with more rights. Run it with `deno run -A examples/auth.ts`;
 * PORT and the port after it are used.
 */
import {
  Client,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { apiKeys, McpServer, oauth } from "@sluice/mcp";
import { z } from "zod";
import { browse, DemoProvider } from "./auth/provider.ts";

const PORT = Number(Deno.env.get("PORT") ?? 8000);
const REDIRECT = "http://127.0.0.1:9/callback";
const API_KEY = "an-api-key-of-the-nightly-job";

await using provider = await DemoProvider.start(PORT + 1, {
  resource: `http://127.0.0.1:${PORT}/mcp`,
  format: "jwt",
});

// Five lines protect the server.
const server = new McpServer({ name: "notes", version: "1.0.0" }, {
  publicUrl: `http://127.0.0.1:${PORT}`,
  auth: [
    oauth({ issuer: provider.issuer }),
    apiKeys({ keys: [{ name: "nightly", key: API_KEY, scopes: ["read"] }] }),
  ],
  scopes: ["read"],
});

const notes = new Map<string, string[]>();

// What a caller has written is its own: the id outlives the token.
server.registerTool("list", {}, (ctx) => ({
  structuredContent: { notes: notes.get(ctx.caller!.id) ?? [] },
}));

// Without the scope its clients are told to ask for it.
server.registerTool("write", {
  scopes: ["write"],
  inputSchema: z.object({ note: z.string() }),
}, ({ note }, ctx) => {
  const { id, subject } = ctx.caller!;
  notes.set(id, [...notes.get(id) ?? [], note]);
  return `${subject} wrote ${note}`;
});

// In nobody's list but the nightly job's.
server.registerTool("archive", {
  allow: (caller) => caller?.subject === "nightly",
}, () => "archived");

await using running = await server.serve({ port: PORT });

/** What a client keeps of its authorization; a real one opens a browser. */
class Wallet {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadata = {
    client_name: "example",
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  callback!: URLSearchParams;
  readonly #kept = new Map<string, unknown>();

  clientInformation = () => this.#kept.get("client") as never;
  saveClientInformation = (client: unknown) => {
    this.#kept.set("client", client);
  };
  tokens = () => this.#kept.get("tokens") as never;
  saveTokens = (tokens: unknown) => {
    this.#kept.set("tokens", tokens);
  };
  codeVerifier = () => this.#kept.get("verifier") as string;
  saveCodeVerifier = (verifier: string) => {
    this.#kept.set("verifier", verifier);
  };
  discoveryState = () => this.#kept.get("discovery") as never;
  saveDiscoveryState = (state: unknown) => {
    this.#kept.set("discovery", state);
  };
  redirectToAuthorization = async (url: URL) => {
    console.log("the user is asked for:", url.searchParams.get("scope"));
    this.callback = await browse(url, REDIRECT);
  };
}

const wallet = new Wallet();

function newTransport(): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(running.url), {
    authProvider: wallet,
  });
}

/** Does something, and once more when the user has agreed to it. */
async function authorized<T>(
  transport: StreamableHTTPClientTransport,
  act: () => Promise<T>,
  again: () => Promise<T> = act,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if ((error as Error).name !== "UnauthorizedError") throw error;
    await transport.finishAuth(wallet.callback);
    return await again();
  }
}

const client = new Client({ name: "example", version: "1.0.0" }, {
  versionNegotiation: { mode: { pin: "2026-07-28" } },
});
const first = newTransport();
let transport = first;
await authorized(first, () => client.connect(first), () => {
  transport = newTransport();
  return client.connect(transport);
});

const { tools } = await client.listTools();
console.log("Ada's tools:", tools.map(({ name }) => name).join(", "));

const write = { name: "write", arguments: { note: "buy milk" } };
const written = await authorized(transport, () => client.callTool(write));
console.log(JSON.stringify(written.content));
const listed = await client.callTool({ name: "list", arguments: {} });
console.log(JSON.stringify(listed.structuredContent));
await client.close();

// The nightly job has a key, and sees other tools.
const nightly = new Client({ name: "nightly", version: "1.0.0" }, {
  versionNegotiation: { mode: { pin: "2026-07-28" } },
});
await nightly.connect(
  new StreamableHTTPClientTransport(new URL(running.url), {
    requestInit: { headers: { "x-api-key": API_KEY } },
  }),
);
const seen = await nightly.listTools();
console.log("nightly's tools:", seen.tools.map(({ name }) => name).join(", "));
const archived = await nightly.callTool({ name: "archive", arguments: {} });
console.log(JSON.stringify(archived.content));
await nightly.close();

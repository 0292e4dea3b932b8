/**
 * `deno run -A bench/auth.ts`: what it costs to know the caller, in memory (HTTP
 * has it cheaper in proportion: `deno task bench:http --only auth`), and what a
 * provider costs that is away.
 */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { McpServer, oauth } from "../mod.ts";
import { compare } from "./support/compare.ts";
import { median } from "./support/statistics.ts";
import { modernRequest } from "./support/wire.ts";

const ISSUER = "https://login.example.com";
const RESOURCE = "https://mcp.example.com/mcp";
const { privateKey, publicKey } = await generateKeyPair("RS256");
const jwks = { keys: [{ ...await exportJWK(publicKey), kid: "bench" }] };

let isAway = false;
let now = Date.now();

/** The provider: once it is away, whoever asks it waits for ever. */
const provider: typeof fetch = (input) => {
  if (isAway) return new Promise(() => {});
  const isKeys = String(input).endsWith("/keys");
  return Promise.resolve(Response.json(
    isKeys ? jwks : { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
  ));
};

function tokenOf(sub: string): Promise<string> {
  return new SignJWT({ scope: "read", client_id: "bench" })
    .setProtectedHeader({ alg: "RS256", kid: "bench", typ: "at+jwt" })
    .setIssuer(ISSUER).setAudience(RESOURCE).setSubject(sub)
    .setExpirationTime("30 days").sign(privateKey);
}

function serverOf(auth?: ReturnType<typeof oauth>): McpServer {
  const server = new McpServer({ name: "bench", version: "1.0.0" }, { auth });
  server.registerTool("echo", {}, () => "hello");
  return server;
}

const call = modernRequest("tools/call", { name: "echo", arguments: {} });

async function ask(server: McpServer, token: string): Promise<void> {
  const headers = { ...call.headers, authorization: `Bearer ${token}` };
  const request = new Request("http://localhost/mcp", {
    method: "POST",
    headers,
    body: call.body,
  });
  const response = await server.fetch(request);
  if (response.status !== 200) throw new Error(`${response.status}`);
  await response.text();
}

async function repeat(
  server: McpServer,
  token: string,
  count: number,
): Promise<void> {
  for (let at = 0; at < count; at++) await ask(server, token);
}

const options = {
  issuer: ISSUER,
  audience: RESOURCE,
  fetch: provider,
  now: () => now,
  newTokens: false,
} as const;
const open = serverOf();
const guarded = serverOf(oauth(options));
const ada = await tokenOf("ada");

await compare({ title: "a call", count: 2_000, rounds: 15 }, [
  { name: "without auth", run: (count) => repeat(open, ada, count) },
  {
    name: "with a verified token",
    run: (count) => repeat(guarded, ada, count),
  },
]);

/** The longest call of some that present tokens not seen before, and the usual one. */
async function newTokens(title: string): Promise<void> {
  const times: number[] = [];
  for (let at = 0; at < 200; at++) {
    const token = await tokenOf(`${title} ${at}`);
    const start = performance.now();
    await ask(guarded, token);
    times.push(performance.now() - start);
  }
  console.log(
    `${title}: median ${median(times).toFixed(2)} ms, ` +
      `longest ${Math.max(...times).toFixed(2)} ms`,
  );
}

console.log();
await newTokens("a token not seen before");
isAway = true;
now += 3_600_000;
await newTokens("the same with stale keys, the provider away");

const times: number[] = [];
for (let at = 0; at < 2_000; at++) {
  const start = performance.now();
  await ask(guarded, ada);
  times.push(performance.now() - start);
}
console.log(
  `a known token, the provider away: median ${median(times).toFixed(3)} ms, ` +
    `longest ${Math.max(...times).toFixed(2)} ms`,
);
Deno.exit(); // somebody still waits for the provider

/** Every way for the official clients to reach a server. */
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport as V1Stdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as V1Http } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StreamableHTTPClientTransport as V2Http } from "@modelcontextprotocol/client";
import { StdioClientTransport as V2Stdio } from "@modelcontextprotocol/client/stdio";
import { linkedPair, type McpServer, type RunningServer } from "../../mod.ts";
import {
  type ClientSetup,
  connectV1,
  connectV2,
  type Era,
  type TestClient,
} from "./clients.ts";

export type Place = "http" | "stdio" | "memory" | "sse pair";

/** A client generation, its era, and how it reaches the server. */
export interface Leg {
  readonly name: string;
  readonly generation: "v1" | "v2";
  readonly era: Era;
  readonly place: Place;
}

export const LEGS: readonly Leg[] = [
  leg("v1", "legacy", "http"),
  leg("v1", "legacy", "sse pair"),
  leg("v1", "legacy", "stdio"),
  leg("v1", "legacy", "memory"),
  leg("v2", "modern", "http"),
  leg("v2", "modern", "stdio"),
  leg("v2", "modern", "memory"),
  leg("v2", "legacy", "http"),
  leg("v2", "legacy", "stdio"),
  leg("v2", "legacy", "memory"),
];

function leg(generation: Leg["generation"], era: Era, place: Place): Leg {
  return { name: `${generation} ${era} ${place}`, generation, era, place };
}

/** Listens on a free port of the loopback, and says nothing about it. */
export function listen(server: McpServer): Promise<RunningServer> {
  return server.serve({ port: 0, signals: false, onListen: () => {} });
}

/** Connects the client of a leg to a server that listens at `url`. */
export function connectHttp(
  leg: Pick<Leg, "generation" | "era">,
  url: string,
  setup?: ClientSetup,
): Promise<TestClient> {
  return leg.generation === "v1"
    ? connectV1(new V1Http(new URL(url), setup?.http), setup)
    : connectV2(
      new V2Http(new URL(url), { fetch: leavingFetch, ...setup?.http }),
      leg.era,
      setup,
    );
}

/**
 * Ends a stream with its connection when its client leaves: Deno (2.9) may keep
 * the connection of a body whose request was aborted until that is collected.
 */
const leavingFetch: typeof fetch = async (input, init) => {
  if (init?.method !== "GET") return await fetch(input, init);
  const { signal, ...rest } = init;
  const response = await fetch(input, rest);
  const body = response.body?.pipeThrough(new TransformStream(), {
    signal: signal ?? undefined,
  });
  return new Response(body ?? null, response);
};

/** Connects the client of a leg to a server over a linked pair. */
export async function connectMemory(
  leg: Pick<Leg, "generation" | "era">,
  server: McpServer,
  setup?: ClientSetup,
): Promise<TestClient> {
  const [clientEnd, serverEnd] = linkedPair();
  await server.connect(serverEnd);
  return leg.generation === "v1"
    ? connectV1(clientEnd, setup)
    : connectV2(clientEnd, leg.era, setup);
}

/**
 * The transport itself asks a process of its own for the server's era first, and
 * leaves a timer behind with it. One of its subclasses asks the one process.
 */
class OneProcess extends V2Stdio {}

/** Starts a server as a process of its own, and connects the client of a leg. */
export function connectStdio(
  leg: Pick<Leg, "generation" | "era">,
  script: URL,
  setup?: ClientSetup,
): Promise<TestClient> {
  const spawned = {
    command: Deno.execPath(),
    args: ["run", "--allow-all", "--no-prompt", script.pathname],
    stderr: "ignore" as const,
    env: setup?.env,
  };
  return leg.generation === "v1"
    ? connectV1(new V1Stdio(spawned), setup)
    : connectV2(new OneProcess(spawned), leg.era, setup);
}

/** Connects one more client to the server of a test. */
export type Connect = (setup?: ClientSetup) => Promise<TestClient>;

/** Where the servers of a leg come from. */
export interface ServerSource {
  /** Makes the server, for the places in this process. */
  make(): McpServer;
  /** The script that serves the same over stdio. */
  script: URL;
}

/**
 * Runs a test over every leg, or those that `only` lets through. Each has a
 * server to itself, and everything is closed at the end.
 */
export function overEveryLeg(
  what: string,
  { make, script }: ServerSource,
  test: (connect: Connect, leg: Leg) => Promise<void>,
  only: (leg: Leg) => boolean = () => true,
): void {
  for (const leg of LEGS.filter(only)) {
    Deno.test(`${what} (${leg.name})`, async () => {
      await using stack = new AsyncDisposableStack();
      const place = leg.place === "stdio"
        ? (setup?: ClientSetup) => connectStdio(leg, script, setup)
        : await serverAt(leg, stack.use(make()), stack);
      await test(async (setup) => stack.use(await place(setup)), leg);
    });
  }
}

async function serverAt(
  leg: Leg,
  server: McpServer,
  stack: AsyncDisposableStack,
): Promise<Connect> {
  if (leg.place === "memory") {
    return (setup) => connectMemory(leg, server, setup);
  }
  const { url } = stack.use(await listen(server));
  if (leg.place === "http") return (setup) => connectHttp(leg, url, setup);
  return (setup) =>
    connectV1(new SSEClientTransport(new URL("/sse", url)), setup);
}

/** The official clients, v1 and v2, behind one face. */
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { Client as V2Client } from "@modelcontextprotocol/client";
import type { ChildProcess } from "node:child_process";

// deno-lint-ignore no-explicit-any -- tests look into results of every shape
export type Loose = Record<string, any>;

export type Era = "modern" | "legacy";

/** What a client sends with one call. */
export interface CallSetup {
  signal?: AbortSignal;
  timeout?: number;
  onprogress?: (progress: Loose) => void;
  /** The level of log messages asked for; in the modern era there is none without. */
  logLevel?: string;
  _meta?: Loose;
}

/** What a client is able and ready to do. */
export interface ClientSetup {
  capabilities?: Loose;
  /** Answers to the server's questions, by method. */
  answers?: Record<string, (params: Loose) => unknown>;
  /** Options of the client's class. */
  options?: Loose;
  /** Options of its HTTP transport. */
  http?: Loose;
  /** Environment of the server's process, over stdio. */
  env?: Record<string, string>;
}

/** One of the official clients, connected. */
export interface TestClient extends AsyncDisposable {
  /** The client itself, for what the face lacks. */
  readonly raw: Loose;
  readonly transport: Loose;
  /** Every message that has come in, as it came. */
  readonly received: Loose[];
  /** Every notification that no handler has taken, in the order handled. */
  readonly heard: Loose[];
  tool(name: string, args?: Loose, setup?: CallSetup): Promise<Loose>;
  /** One request as it is: no cache, no pages put together. */
  ask(method: string, params?: Loose, setup?: CallSetup): Promise<Loose>;
  /** Resolves with the first notification that fits, past or to come. */
  hears(method: string, fits?: (params: Loose) => boolean): Promise<Loose>;
  close(): Promise<void>;
}

const SCHEMAS: Loose = {
  "elicitation/create": ElicitRequestSchema,
  "sampling/createMessage": CreateMessageRequestSchema,
  "roots/list": ListRootsRequestSchema,
};

const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

/** What both generations of the client have in common. */
class OfficialClient implements TestClient {
  readonly received: Loose[] = [];
  readonly heard: Loose[] = [];
  readonly raw: Loose;
  readonly transport: Loose;
  readonly #call: (request: Loose, options: Loose) => Promise<Loose>;
  readonly #waiting: Set<() => void> = new Set();

  constructor(
    raw: Loose,
    transport: Loose,
    call: (request: Loose, options: Loose) => Promise<Loose>,
  ) {
    this.raw = raw;
    this.transport = transport;
    this.#call = call;
    raw.fallbackNotificationHandler = (notification: Loose) => {
      this.heard.push(notification);
      for (const look of [...this.#waiting]) look();
      return Promise.resolve();
    };
  }

  async connect(): Promise<void> {
    await this.raw.connect(this.transport);
    const { onmessage } = this.transport;
    this.transport.onmessage = (message: Loose, extra: unknown) => {
      this.received.push(message);
      onmessage(message, extra);
    };
  }

  tool(name: string, args: Loose = {}, setup: CallSetup = {}): Promise<Loose> {
    return this.ask("tools/call", { name, arguments: args }, setup);
  }

  ask(
    method: string,
    params?: Loose,
    { logLevel, _meta, ...options }: CallSetup = {},
  ): Promise<Loose> {
    const meta = {
      ...params?._meta,
      ..._meta,
      ...(logLevel && { [LOG_LEVEL]: logLevel }),
    };
    const sent = Object.keys(meta).length > 0
      ? { ...params, _meta: meta }
      : params;
    return this.#call({ method, ...(sent && { params: sent }) }, options);
  }

  hears(
    method: string,
    fits: (params: Loose) => boolean = () => true,
  ): Promise<Loose> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.heard.find((each) =>
          each.method === method && fits(each.params ?? {})
        );
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found.params ?? {});
      };
      this.#waiting.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    await endProcess(this.transport);
    await this.raw.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Ends the process of a stdio transport. Its own close leaves a timer of two
 * seconds behind unless the process has gone before.
 */
async function endProcess(
  { _process: process }: { _process?: ChildProcess },
): Promise<void> {
  if (process === undefined) return;
  const gone = new Promise((resolve) => process.once("close", resolve));
  process.stdin?.end();
  await gone;
}

/** Connects the official v1 client, which speaks the legacy era only. */
export async function connectV1(
  transport: Loose,
  { capabilities = {}, answers = {}, options }: ClientSetup = {},
): Promise<TestClient> {
  const raw = new V1Client(
    { name: "v1-client", version: "1.0.0" },
    { capabilities, ...options },
  );
  for (const [method, answer] of Object.entries(answers)) {
    raw.setRequestHandler(
      SCHEMAS[method],
      async ({ params }: Loose) => await answer(params ?? {}) as Loose,
    );
  }
  const client = new OfficialClient(
    raw,
    transport,
    (request, callOptions) =>
      raw.request(request as never, ResultSchema, callOptions),
  );
  await client.connect();
  return client;
}

/** Connects the official v2 client in the era given. */
export async function connectV2(
  transport: Loose,
  era: Era,
  { capabilities = {}, answers = {}, options }: ClientSetup = {},
): Promise<TestClient> {
  const raw = new V2Client(
    { name: "v2-client", version: "1.0.0" },
    {
      capabilities,
      versionNegotiation: {
        mode: era === "modern" ? { pin: "2026-07-28" } : "legacy",
      },
      ...options,
    },
  );
  for (const [method, answer] of Object.entries(answers)) {
    raw.setRequestHandler(
      method as "elicitation/create",
      async ({ params }: Loose) => await answer(params ?? {}) as never,
    );
  }
  const client = new OfficialClient(
    raw,
    transport,
    (request, callOptions) =>
      raw.request(request as never, ResultSchema as never, callOptions),
  );
  await client.connect();
  return client;
}

/** The text of a result's first block. */
export function textOf(result: Loose): string {
  return result.content?.[0]?.text ?? "";
}

import { StreamableHTTPClientTransport as V1Http } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StreamableHTTPClientTransport as V2Http } from "@modelcontextprotocol/client";
import {
  connectV1,
  connectV2,
  type Loose,
  type TestClient,
  textOf,
} from "../support/clients.ts";
import type { TestRedis } from "../support/redis.ts";

/** Milliseconds after which a call counts as hung. */
const HUNG_MS = 20_000;

const KEY = "io.sluice/idempotency-key";

/** How calls ended. */
export interface LoadResult {
  /** Calls that were answered as they should be. */
  right: number;
  /** Failures by what they said: the connection broke, or the server refused. */
  readonly failed: Map<string, number>;
  /** What must not be: answers of others, hung calls, lost sessions. */
  readonly wrong: string[];
  /** Things to be done once, each. */
  readonly recorded: string[];
}

/** Notes of what breaks on the way, and official clients keep to themselves. */
class Wire {
  /**
   * True if an event stream ended without an answer. Where these can't be resumed
   * the official client (2.4) says nothing of it, and waits for its time-out.
   */
  streamCut = false;
  /**
   * True if the client was told that its answer to a question did not arrive: the
   * replica that was to take it was killed, or refused it. The official clients
   * (1.32, 2.4) send it no second time, and wait for their time-out.
   */
  answerFailed = false;

  /** Notes what becomes of answers. */
  readonly post: typeof fetch = async (input, init) => {
    const isAnswer = init?.method === "POST" && isAnswerText(init.body);
    try {
      const response = await fetch(input, init);
      this.answerFailed ||= isAnswer && !response.ok;
      return response;
    } catch (error) {
      this.answerFailed ||= isAnswer;
      throw error;
    }
  };

  /** Notes cut streams as well. */
  readonly fetch: typeof fetch = async (input, init) => {
    const response = await this.post(input, init);
    const type = response.headers.get("content-type");
    if (init?.method !== "POST" || type !== "text/event-stream") {
      return response;
    }
    const decoder = new TextDecoder();
    let answered = false;
    const ended = () => this.streamCut ||= !answered;
    const reader = response.body!.getReader();
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) {
            ended();
            return controller.close();
          }
          answered ||= /"(result|error)":/.test(decoder.decode(value));
          controller.enqueue(value);
        } catch (error) {
          ended();
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return new Response(body, response);
  };
}

function isAnswerText(body: unknown): boolean {
  const { method, result } = JSON.parse(String(body));
  return method === undefined && result !== undefined;
}

/** How a call failed. */
interface Failure {
  readonly kind: string;
  /** True if it says that nobody knows whether the call has run. */
  readonly outcomeUnknown: boolean;
}

/** Official clients of both eras that call every sort of tool until they are stopped. */
export class MixedLoad {
  readonly result: LoadResult = {
    right: 0,
    failed: new Map(),
    wrong: [],
    recorded: [],
  };
  readonly #url: string;
  readonly #ledger: TestRedis;
  readonly #wires: WeakMap<TestClient, Wire> = new WeakMap();
  /** Number of clients that have connected. */
  connected = 0;
  #running = true;

  constructor(url: string, ledger: TestRedis) {
    this.#url = url;
    this.#ledger = ledger;
  }

  get calls(): number {
    const { right, failed } = this.result;
    return right + [...failed.values()].reduce((sum, each) => sum + each, 0);
  }

  stop(): void {
    this.#running = false;
  }

  /** One client's calls, from its connecting to its closing. */
  async run(generation: "v1" | "v2", era: "modern" | "legacy"): Promise<void> {
    const asked: string[] = [];
    const setup = {
      capabilities: { elicitation: { form: {} } },
      answers: {
        "elicitation/create": ({ message }: Loose) => {
          asked.push(message);
          return { action: "accept", content: { nonce: message } };
        },
      },
    };
    const at = new URL(this.#url);
    const wire = new Wire();
    const client = generation === "v1"
      ? await connectV1(new V1Http(at, { fetch: wire.post }), setup)
      : await connectV2(new V2Http(at, { fetch: wire.fetch }), era, setup);
    this.#wires.set(client, wire);
    this.connected++;
    client.raw.onerror = client.transport.onerror = () => {};
    for (let turn = 0; this.#running; turn++) {
      client.heard.length = client.received.length = 0;
      if (turn % 16 === 3) await this.#record(client);
      else if (turn % 16 === 7) await this.#ask(client, asked);
      else if (turn % 16 === 11) await this.#steps(client);
      else await this.#call(client, "echo");
    }
    await client.close().catch(() => {});
  }

  async #call(
    client: TestClient,
    tool: string,
    setup: Loose = {},
    nonce: string = crypto.randomUUID(),
  ): Promise<string | Failure> {
    const wire = this.#wires.get(client)!;
    wire.streamCut = wire.answerFailed = false;
    try {
      const result = await client.tool(tool, { nonce }, {
        timeout: HUNG_MS,
        ...setup,
      });
      if (result.isError || textOf(result) !== nonce) {
        this.result.wrong.push(`${tool}: ${JSON.stringify(result)}`);
      } else this.result.right++;
      return nonce;
    } catch (error) {
      return this.#failed(error as Loose, tool, wire);
    }
  }

  #failed(error: Loose, tool: string, wire: Wire): Failure {
    const kind = kindOf(error) ??
      (wire.answerFailed
        ? "answer not taken, and said so"
        : wire.streamCut
        ? "stream cut"
        : undefined);
    const { failed, wrong } = this.result;
    if (kind === undefined) {
      wrong.push(`${tool}: ${error.code} ${error.message}`);
    } else failed.set(kind, (failed.get(kind) ?? 0) + 1);
    return {
      kind: kind ?? "wrong",
      outcomeUnknown: error.data?.reason === "outcome_unknown",
    };
  }

  async #steps(client: TestClient): Promise<void> {
    const seen: number[] = [];
    const outcome = await this.#call(client, "steps", {
      onprogress: ({ progress }: Loose) => seen.push(progress),
    });
    if (typeof outcome === "string" && seen.join() !== "1,2,3") {
      this.result.wrong.push(`steps: heard ${seen}`);
    }
  }

  async #ask(client: TestClient, asked: string[]): Promise<void> {
    asked.length = 0;
    const nonce = crypto.randomUUID();
    await this.#call(client, "ask", {}, nonce);
    if (asked.some((each) => each !== nonce)) {
      this.result.wrong.push("ask: another's question");
    }
  }

  /** Has one thing done once, however often it must be asked for. */
  async #record(client: TestClient): Promise<void> {
    const item = crypto.randomUUID();
    let key = crypto.randomUUID();
    for (;;) {
      const outcome = await this.#call(
        client,
        "record",
        { _meta: { [KEY]: key } },
        item,
      );
      if (typeof outcome === "string") break;
      if (outcome.kind === "wrong") return;
      if (outcome.outcomeUnknown) {
        if (await this.#ledger.command("GET", `ledger:${item}`) === "1") break;
        key = crypto.randomUUID();
      }
      await new Promise((go) => setTimeout(go, 100));
    }
    this.result.recorded.push(item);
  }

  /** Counts what was recorded less or more than once. */
  async miscounted(): Promise<number> {
    const { recorded } = this.result;
    let wrong = 0;
    for (let from = 0; from < recorded.length; from += 500) {
      const items = recorded.slice(from, from + 500);
      const counts = await this.#ledger.command(
        "MGET",
        ...items.map((item) => `ledger:${item}`),
      );
      wrong += counts.split("\n").filter((each) => each !== "1").length;
    }
    return wrong;
  }
}

/** Kind of a failure that a client may meet with; `undefined` for one that must not be. */
function kindOf(error: Loose): string | undefined {
  const { message = "", data, code } = error;
  const text = `${message} ${error.cause?.message ?? ""}`;
  const reason = data?.reason;
  if (
    ["unavailable", "overloaded", "shutdown", "store_unavailable"].includes(
      reason,
    ) || reason === "outcome_unknown"
  ) return reason;
  const status = /\b(502|503|504|429)\b/.exec(`${code} ${text}`)?.[0];
  if (status !== undefined) return `HTTP ${status}`;
  if (
    /fetch failed|connection|error sending request|stream|body/i.test(text)
  ) return "connection broken";
  return undefined;
}

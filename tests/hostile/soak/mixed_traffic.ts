import type { JsonObject } from "../../../mod.ts";
import {
  CAPABILITIES_KEY,
  initialize,
  modernCall,
  modernHeaders,
  modernPost,
} from "../../transport/wire.ts";
import { httpText, RawSocket } from "../../transport/raw_socket.ts";
import { HttpFuzz } from "../fuzz/http_fuzz.ts";
import { SeededRandom } from "../fuzz/seeded_random.ts";

const TASKS = {
  [CAPABILITIES_KEY]: { extensions: { "io.modelcontextprotocol/tasks": {} } },
};

/** One visitor of a server: honest, careless or gone before it has its answer. */
export class MixedTraffic {
  readonly #port: number;
  readonly #random: SeededRandom;
  readonly #fuzz: HttpFuzz;
  readonly #visits: readonly (() => Promise<void>)[] = [
    () => this.#call("echo", { data: "x".repeat(this.#random.below(50_000)) }),
    () => this.#call("echo", { wrong: 1 }),
    () => this.#call("fails"),
    () => this.#call("task", {}, TASKS),
    () => this.#call("large"),
    () => this.#session(),
    () => this.#leave("tools/call", { name: "slow", _meta: PROGRESS }),
    () => this.#leave("tools/call", { name: "large" }),
    () => this.#leave("subscriptions/listen", { notifications: ALL }),
    () => this.#breakOff(),
    () => this.#fuzz.send(),
  ];

  constructor(port: number, seed: number) {
    this.#port = port;
    this.#random = new SeededRandom(seed);
    this.#fuzz = new HttpFuzz(port, seed);
  }

  /** Does one thing that clients do. */
  visit(): Promise<void> {
    return this.#random.pick(this.#visits)();
  }

  async #post(init: RequestInit): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/mcp`, init);
    if (response.status >= 500) {
      throw new Error(`${response.status}: ${await response.text()}`);
    }
    return response;
  }

  async #call(
    name: string,
    args: JsonObject = {},
    meta?: JsonObject,
  ): Promise<void> {
    const message = modernCall("tools/call", {
      name,
      arguments: args,
      _meta: meta,
    });
    await (await this.#post(modernPost(message))).text();
  }

  /** A legacy client: half of them say goodbye. */
  async #session(): Promise<void> {
    const headers: Record<string, string> = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    const say = async (message: JsonObject) => {
      const body = JSON.stringify(message);
      const response = await this.#post({ method: "POST", headers, body });
      headers["mcp-session-id"] ??= response.headers.get("mcp-session-id")!;
      await response.text();
    };
    await say(initialize("2025-11-25"));
    await say({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const uri = `test://${this.#random.below(1_000)}`;
    await say({
      jsonrpc: "2.0",
      id: 2,
      method: "resources/subscribe",
      params: { uri },
    });
    const controller = new AbortController();
    const events = await this.#post({ headers, signal: controller.signal });
    controller.abort();
    await events.body?.cancel().catch(() => {});
    if (this.#random.chance(0.5)) {
      await (await this.#post({ method: "DELETE", headers })).text();
    }
  }

  /** Leaves while the answer is on its way. */
  async #leave(method: string, params: JsonObject): Promise<void> {
    const message = modernCall(method, params);
    using socket = await RawSocket.open(this.#port);
    await socket.write(httpText({
      headers: modernHeaders(message),
      body: JSON.stringify(message),
    }));
    if (this.#random.chance(0.7)) await socket.readUntil("\r\n\r\n");
    await new Promise((go) => setTimeout(go, this.#random.below(300)));
  }

  /** Leaves before the request is whole. */
  async #breakOff(): Promise<void> {
    using socket = await RawSocket.open(this.#port);
    const body = "x".repeat(this.#random.below(200_000));
    await socket.write(httpText({
      headers: { "Content-Length": String(body.length + 100) },
      body,
    }));
  }
}

const PROGRESS = { progressToken: 1 };
const ALL = {
  toolsListChanged: true,
  resourceSubscriptions: ["test://fixed", "test://nobody/knows"],
};

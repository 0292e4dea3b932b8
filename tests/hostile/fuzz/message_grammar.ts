import type { JsonObject } from "../../../mod.ts";
import { initialize, modernCall } from "../../transport/wire.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Parameters that fit each method of the fuzzed server, or nearly. */
const GOOD: Readonly<Record<string, JsonObject>> = {
  "server/discover": {},
  ping: {},
  "tools/list": { _meta: { progressToken: "t" } },
  "tools/call": { name: "echo", arguments: { data: "x" } },
  "prompts/list": {},
  "prompts/get": { name: "greet", arguments: { name: "Ada" } },
  "resources/list": {},
  "resources/templates/list": {},
  "resources/read": { uri: "test://family/ada" },
  "resources/subscribe": { uri: "test://fixed" },
  "resources/unsubscribe": { uri: "test://fixed" },
  "completion/complete": {
    ref: { type: "ref/prompt", name: "greet" },
    argument: { name: "name", value: "A" },
  },
  "logging/setLevel": { level: "info" },
  "subscriptions/listen": {
    notifications: {
      toolsListChanged: true,
      resourceSubscriptions: ["test://fixed"],
    },
  },
  "tasks/get": { taskId: "x" },
  "tasks/update": { taskId: "x", inputResponses: {} },
  "tasks/cancel": { taskId: "x" },
  "notifications/initialized": {},
  "notifications/cancelled": { requestId: 1, reason: "why not" },
  "notifications/progress": { progressToken: 1, progress: 1 },
  "no/such/method": { a: 1 },
};

const METHODS = Object.keys(GOOD);

const TOOLS: readonly JsonObject[] = [
  { name: "echo", arguments: { data: "grüße 👋" } },
  { name: "any", arguments: { a: { b: [1, "2", null] } } },
  { name: "move", arguments: { to: { x: 1, y: 2 }, steps: [1] } },
  { name: "mirrored", arguments: { region: "eu", deep: { count: 1 } } },
  { name: "missing", arguments: {} },
];

/** Values that stand where something else should. */
const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  "\u0000",
  "\ud800",
  "__proto__",
  "constructor",
  "a".repeat(5_000),
  "../../etc/passwd",
  "test://family/%2e%2e/%00",
  "%".repeat(50),
  [],
  {},
  [[[[[[]]]]]],
  { toString: 1, then: 2, toJSON: 3 },
  { type: "ref/resource", uri: "test://family/{member}" },
  ["test://fixed", "test://fixed", 1],
];

/** Texts that are put into a message's text as they are. */
const RAW: readonly string[] = [
  "1e999",
  "12345678901234567890",
  "-0",
  '"\\ud800"',
  '{"__proto__":{"x":1}}',
  "[".repeat(200),
  "{".repeat(10),
  "]".repeat(5),
  '"',
  "\\",
  "\u0000",
  "\u2028",
  "\uFEFF",
  "NaN",
  "undefined",
];

/** One input: a text that is a message, or was one. */
export interface FuzzInput {
  readonly text: string;
  /** What its headers say, whatever the text says by now. */
  readonly message: JsonObject;
  readonly era: "modern" | "legacy";
  /** The id of a request that nothing has been changed of. */
  readonly intactId: string | number | undefined;
}

/** Makes messages of the protocol's grammar, and changes most of them. */
export class MessageGrammar {
  readonly #random: SeededRandom;
  #lastId = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  next(): FuzzInput {
    const random = this.#random;
    const era = random.chance(0.6) ? "modern" : "legacy";
    const message = this.#message(era);
    const isRequest = "id" in message;
    if (random.chance(0.25)) {
      return {
        text: JSON.stringify(message),
        message,
        era,
        intactId: isRequest ? message.id as number : undefined,
      };
    }
    const whole = era === "legacy" && random.chance(0.1)
      ? Array.from({ length: 1 + random.below(4) }, () => this.#message(era))
      : structuredClone(message);
    for (let left = 1 + random.below(3); left > 0; left--) this.#bend(whole);
    const text = JSON.stringify(whole);
    return {
      text: random.chance(0.4) ? this.#mangle(text) : text,
      message,
      era,
      intactId: undefined,
    };
  }

  #message(era: "modern" | "legacy"): JsonObject {
    const random = this.#random;
    if (era === "legacy" && random.chance(0.05)) {
      return initialize(random.pick(["2025-11-25", "2025-03-26", "1"]));
    }
    const method = random.pick(METHODS);
    const good = method === "tools/call" ? random.pick(TOOLS) : GOOD[method];
    const id = random.chance(0.2)
      ? `id ${++this.#lastId}`
      : ++this.#lastId + 1_000;
    const message: JsonObject = era === "modern"
      ? modernCall(method, structuredClone(good), id)
      : { jsonrpc: "2.0", id, method, params: structuredClone(good) };
    if (method.startsWith("notifications/")) delete message.id;
    return message;
  }

  /** Changes something somewhere in a value. */
  #bend(value: object): void {
    const random = this.#random;
    const keys = Object.keys(value);
    const target = value as JsonObject;
    if (keys.length === 0 || random.chance(0.1)) {
      target[random.pick(["name", "id", "_meta", "uri", "x"])] = this.#odd();
      return;
    }
    const key = random.pick(keys);
    const member = target[key];
    if (typeof member === "object" && member !== null && random.chance(0.7)) {
      this.#bend(member);
    } else if (random.chance(0.3)) delete target[key];
    else target[key] = this.#odd();
  }

  #odd(): unknown {
    return structuredClone(this.#random.pick(ODD));
  }

  /** Changes the text itself. */
  #mangle(text: string): string {
    const random = this.#random;
    const at = random.below(text.length + 1);
    switch (random.below(5)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + random.pick(RAW) + text.slice(at);
      case 2:
        return text.slice(0, at) + text.slice(at + 1 + random.below(5));
      case 3:
        return text.slice(at) + text.slice(0, at);
      default:
        return text.slice(0, at) +
          String.fromCharCode(random.below(0x1_0000)) + text.slice(at + 1);
    }
  }
}

import assert from "node:assert/strict";
import { z } from "zod";
import { type JsonObject, McpServer, ResourceTemplate } from "../../mod.ts";
import { jsonFault } from "../../src/protocol/json_value.ts";
import { nearestJson } from "../../src/protocol/nearest_json.ts";
import {
  type Answer,
  ask,
  LegacyClient,
  modernCall,
  modernHeaders,
  post,
} from "../transport/wire.ts";

/**
 * How many times as long as its parsing a refusal may take, and what it may take
 * whatever the parsing takes. Without the defences it was 8 to 200 times as long.
 */
const TIMES = 6;
const FLOOR_MS = 150;

function subject(maxToolInputElements?: number): McpServer {
  const server = new McpServer({ name: "costs", version: "1.0.0" }, {
    maxToolInputElements,
    log: () => {},
  });
  server.registerTool("any", { inputSchema: z.object({ a: z.any() }) }, (
    { a },
  ) => ({ a }));
  server.registerTool(
    "texts",
    { inputSchema: z.object({ a: z.array(z.string()) }) },
    () => "texts",
  );
  server.registerTool(
    "fields",
    { inputSchema: { a: z.array(z.string()) } },
    () => "fields",
  );
  server.registerResource(
    "files",
    new ResourceTemplate("files://{+path}", { list: undefined }),
    {},
    () => "content",
  );
  return server;
}

function ones(count: number): string {
  return `[${"1,".repeat(count - 1)}1]`;
}

function nested(depth: number, inner: string): string {
  return "[".repeat(depth) + inner + "]".repeat(depth);
}

/** A call of a tool with an argument of this text. */
function callWith(name: string, argument: string, id = "1"): string {
  const { params } = modernCall("tools/call", { name });
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":` +
    `"${name}","arguments":{"a":${argument}},"_meta":${
      JSON.stringify(params._meta)
    }}}`;
}

const HEADERS = (name: string) =>
  modernHeaders(modernCall("tools/call", { name }));

/** The least that something takes in three tries: others use this machine, too. */
async function leastMs(act: () => unknown): Promise<number> {
  const took: number[] = [];
  for (let tries = 0; tries < 3; tries++) {
    const begun = performance.now();
    await act();
    took.push(performance.now() - begun);
  }
  return Math.min(...took);
}

/** Sends a body, and holds the time to that of parsing it. */
async function timed(
  server: McpServer,
  body: string,
  headers: ReturnType<typeof HEADERS>,
): Promise<Answer> {
  let answer: Answer;
  const tookMs = await leastMs(async () =>
    answer = await post(server, body, { headers })
  );
  const parsedMs = await leastMs(() => JSON.parse(body));
  assert(
    tookMs < FLOOR_MS + TIMES * parsedMs,
    `${tookMs} ms, parsing takes ${parsedMs} ms`,
  );
  return answer!;
}

const REFUSED: Record<string, [tool: string, body: string, says: RegExp]> = {
  "two million numbers": [
    "any",
    callWith("any", ones(1_900_000)),
    /params\.arguments\.a takes it past 1000000 elements/,
  ],
  "many objects": [
    "any",
    callWith("any", `[${"{},".repeat(1_000_000)}{}]`),
    /takes it past 1000000 elements/,
  ],
  "one too deep, behind many": [
    "any",
    callWith("any", `[${ones(900_000)},${nested(70, "1")}]`),
    /is nested deeper than 64 levels/,
  ],
  "a bad key at the very end, deep down": [
    "any",
    callWith(
      "any",
      nested(50, `${ones(900_000).slice(0, -1)},{"__proto__":1}]`),
    ),
    /__proto__ is not an allowed key/,
  ],
  "many wrong elements": [
    "texts",
    callWith("texts", ones(30_000)),
    /a\.0: .*, and 29980 more/,
  ],
  "the same in a record of schemas": [
    "fields",
    callWith("fields", ones(30_000)),
    /a\.0: .*, and 29980 more/,
  ],
  "what can't be sent back, deep down": [
    "any",
    callWith("any", nested(50, `${ones(900_000).slice(0, -1)},1e999]`)),
    /Infinity can't be sent as JSON/,
  ],
  "an id beyond 2^53 before many numbers": [
    "any",
    callWith("any", ones(1_900_000), "12345678901234567890"),
    /id must be a string or a whole number/,
  ],
};

for (const [what, [tool, body, says]] of Object.entries(REFUSED)) {
  Deno.test(`a refusal costs no more than the work: ${what}`, async () => {
    // What the schema's library does with them is bounded by their number.
    await using server = subject(tool === "any" ? 1_000_000 : undefined);
    await post(server, callWith(tool, "1"), { headers: HEADERS(tool) });
    const { text } = await timed(server, body, HEADERS(tool));
    assert.match(text, says);
    assert(text.length < 20_000, `${text.length} characters`);
  });
}

Deno.test("a batch is refused as quickly as one message", async () => {
  await using server = subject(1_000_000);
  const message = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` +
    `"name":"any","arguments":{"a":${ones(19_000)}}}}`;
  const body = `[${Array(100).fill(message)}]`;
  const { text } = await timed(server, body, {});
  assert.match(text, /takes it past 1000000 elements/);
});

Deno.test("a URI is matched up to a length", async () => {
  await using server = subject();
  const uri = (length: number) => "files://".padEnd(length, "x/");
  const read = await ask(server, "resources/read", { uri: uri(8_192) });
  assert.equal(read.body.result.contents[0].text, "content");
  const client = await LegacyClient.open(server);
  for (const method of ["resources/read", "resources/subscribe"]) {
    const { body } = await client.ask(method, { uri: uri(1_000_000) });
    assert.match(body.error!.message, /uri must have at most 8192 characters/);
  }
  const { body } = await client.ask("completion/complete", {
    ref: { type: "ref/resource", uri: uri(1_000_000) },
    argument: { name: "path", value: "" },
  });
  assert.match(
    body.error!.message,
    /^(Method not found|Invalid params: ref.uri)/,
  );
});

Deno.test("a value with exponentially many ways through it is told in bounded time", () => {
  let value: JsonObject = { end: 1 };
  for (let depth = 0; depth < 500; depth++) value = { a: value, b: value };
  const begun = performance.now();
  const told = JSON.stringify(nearestJson({ value, map: new Map() }));
  assert(told.length < 1_000_000);
  assert.match(told, /\[more\]/);
  assert.match(jsonFault(value)!, /more than 5000000 objects can't be sent/);
  assert(performance.now() - begun < 60_000);
});

Deno.test("a refusal says little of what it refuses", async () => {
  await using server = subject();
  const long = "x".repeat(1_000_000);
  const bodies = [
    callWith("any", "1", JSON.stringify(long)),
    callWith("any", "1").replace('"any"', JSON.stringify(long)),
    callWith("any", "1").replace('"2026-07-28"', JSON.stringify(long)),
  ];
  for (const body of bodies) {
    const { text, status } = await post(server, body, {
      headers: { ...HEADERS("any"), "mcp-method": "other" },
    });
    assert.equal(status, 400);
    assert(text.length < 5_000, `${text.length} characters`);
    assert.match(text, /does not match/);
  }
});

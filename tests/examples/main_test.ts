import assert from "node:assert/strict";
import { textOf } from "../support/clients.ts";
import { freePort } from "../support/free_port.ts";
import { connectHttp } from "../support/legs.ts";
import { MainProcess } from "./main_process.ts";

/** Each tool of the guide, with the arguments that it has there, and what it answers. */
const CALLS: readonly [tool: string, args: unknown, answer: RegExp][] = [
  ["fast_operation", { data: "users/7" }, /"endpoint":"users\/7"/],
  ["slow_operation", { data: "x" }, /^done$/],
  ["good_api_call", {}, /"endpoint":""/],
  ["fetch_multiple_apis", { urls: ["a", "/b?status=503"] }, /"Error: .*503/],
  ["parallel_processing", { items: ["a", "b"] }, /"total_processed":2/],
  ["efficient_query", { user_id: 7 }, /"User 7"/],
  ["cached_tool", { data: "x" }, /^processed_x$/],
  ["cached_async_tool", { key: "x" }, /^computed_x_/],
  ["cached_api_call", { endpoint: "users/7" }, /"endpoint":"users\/7"/],
  ["cached_api_call", { endpoint: "users/7" }, /"endpoint":"users\/7"/],
  ["bulk_user_query", { user_ids: [1, 2, 3] }, /"User 3"/],
  ["efficient_api_calls", { urls: ["a", "b"] }, /"success".*"success"/],
  ["get_server_metrics", {}, /"requests_total"/],
  ["monitored_operation", { data: "x" }, /^Processed: x$/],
  ["batched_user_lookup", { user_id: 9 }, /"User 9"/],
  ["stream_large_dataset", {}, /^Streamed 1000 items$/],
  ["stream_large_dataset", { limit: 250 }, /^Streamed 250 items$/],
  ["profiled_tool", { data: "x" }, /^Processed: /],
  ["memory_profiled_tool", {}, /^Processed: 100000 copies/],
  ["memory_profiled_tool", { data: "x" }, /copies of 1 characters$/],
];

const RESOURCES: readonly [uri: string, answer: RegExp][] = [
  ["data://batch/7", /"batch_id":"7"/],
  ["data://paginated/2", /"page":2/],
];

for (
  const leg of [
    { generation: "v1", era: "legacy" },
    { generation: "v2", era: "modern" },
  ] as const
) {
  Deno.test(`all of the guide works as it comes (${leg.generation})`, async () => {
    await using main = await MainProcess.start();
    await using client = await connectHttp(leg, `${main.origin}/mcp`);
    for (const [tool, args, answer] of CALLS) {
      const result = await client.tool(tool, args as object);
      assert.equal(
        result.isError ?? false,
        false,
        `${tool}: ${textOf(result)}`,
      );
      assert.match(textOf(result), answer, tool);
    }
    for (const [uri, answer] of RESOURCES) {
      const { contents } = await client.ask("resources/read", { uri });
      assert.match(contents[0].text, answer, uri);
    }
    const { tools } = await client.ask("tools/list");
    const known = new Set(CALLS.map(([tool]) => tool));
    const others = tools.map(({ name }: { name: string }) => name)
      .filter((name: string) => !known.has(name));
    assert.deepEqual(others.sort(), [
      "delete_everything",
      "echo",
      "generate_report",
    ]);
    assert.doesNotMatch(main.log, /request\.signal|"level":"error"/);
  });
}

Deno.test("only the API that comes along, and what FETCH_ORIGINS names, is fetched from", async () => {
  const elsewhere = () =>
    Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => Response.json({ from: "elsewhere" }),
    );
  await using named = elsewhere();
  await using other = elsewhere();
  const url = ({ addr }: Deno.HttpServer<Deno.NetAddr>) =>
    `http://127.0.0.1:${addr.port}/`;
  await using main = await MainProcess.start({ FETCH_ORIGINS: url(named) });
  await using client = await connectHttp(
    { generation: "v2", era: "modern" },
    `${main.origin}/mcp`,
  );
  const fetched = async (endpoint: string) =>
    textOf(await client.tool("cached_api_call", { endpoint }));
  assert.match(await fetched(url(named)), /elsewhere/);
  assert.match(await fetched("users/1"), /users\/1/);
  for (
    const endpoint of [
      url(other),
      url(other).replace("http:", ""),
      "file:///etc",
    ]
  ) assert.doesNotMatch(await fetched(endpoint), /elsewhere|root/, endpoint);
});

for (
  const [variable, address] of [
    ["REDIS_URL", "redis://127.0.0.1"],
    ["DATABASE_URL", "postgres://ada@127.0.0.1"],
  ]
) {
  Deno.test(`${variable} that nobody answers at is unhealthy, and says why`, async () => {
    const url = `${address}:${await freePort()}`;
    await using main = await MainProcess.start({ [variable]: url });
    const response = await fetch(`${main.origin}/health/detailed`);
    const { status, checks } = await response.json();
    assert.equal(status, "unhealthy");
    const check = checks[variable === "REDIS_URL" ? "cache" : "database"];
    assert.equal(check.status, "unhealthy");
    assert.match(check.message, /ECONNREFUSED/);
  });

  Deno.test(`${variable} that nobody answers at ends a strict start with the reason`, async () => {
    const url = `${address}:${await freePort()}`;
    await using main = await MainProcess.spawn({ [variable]: url }, "--strict");
    assert.equal((await main.ended).code, 1);
    await main[Symbol.asyncDispose]();
    assert.match(
      main.log,
      new RegExp(`starting sluice-guide failed: ${variable}: .*ECONNREFUSED`),
    );
  });
}

Deno.test("a strict start needs nothing that isn't configured", async () => {
  await using main = await MainProcess.start({}, "--strict");
  const { checks } = await (await fetch(`${main.origin}/health/detailed`))
    .json();
  assert.equal(checks.cache.status, "not_configured");
  assert.equal(checks.database.status, "not_configured");
});

Deno.test("OPERATOR_PORT and --operator-port give operators a port of their own", async () => {
  const port = String(await freePort());
  const cases: [Record<string, string>, string[]][] = [
    [{ OPERATOR_PORT: port }, []],
    [{ OPERATOR_PORT: "1" }, ["--operator-port", port]],
  ];
  for (const [env, args] of cases) {
    await using main = await MainProcess.start(env, ...args);
    const status = async (origin: string) => {
      const response = await fetch(`${origin}/dashboard`);
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await status(`http://127.0.0.1:${port}`), 200);
    assert.equal(await status(main.origin), 404);
  }
});

Deno.test("ports that can't be are refused on the command line", async () => {
  const cases: [string[], RegExp][] = [
    [["--operator-port", "x"], /--operator-port takes a number .* got x/],
    [["--port", "9000", "--operator-port", "9000"], /another than port/],
  ];
  for (const [args, reason] of cases) {
    await using main = await MainProcess.spawn({}, ...args);
    assert.equal((await main.ended).code, 2);
    await main[Symbol.asyncDispose]();
    assert.match(main.log, reason);
  }
});

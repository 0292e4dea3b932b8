import assert from "node:assert/strict";
import { type Loose, textOf } from "../support/clients.ts";
import { overEveryLeg } from "../support/legs.ts";
import { SHOWCASE } from "./fixtures/source.ts";

overEveryLeg("says who it is", SHOWCASE, async (connect, leg) => {
  const client = await connect();
  assert.equal(client.raw.getServerVersion()?.name, "showcase");
  assert.equal(client.raw.getInstructions(), "Try everything.");
  const capabilities = client.raw.getServerCapabilities();
  assert.equal(capabilities.tools.listChanged, true);
  assert.equal(capabilities.resources.subscribe, true);
  assert.deepEqual(capabilities.completions, {});
  const me = (await client.tool("whoami")).structuredContent;
  assert.equal(me.era, leg.era);
  assert.equal(me.client, `${leg.generation}-client`);
  assert.equal(
    me.session,
    leg.era === "legacy" && ["http", "sse pair"].includes(leg.place),
  );
  assert.equal(me.http, leg.place === "http" ? "POST" : undefined);
});

overEveryLeg("lists its tools", SHOWCASE, async (connect) => {
  const client = await connect();
  const { tools } = await client.raw.listTools();
  const echo = tools.find(({ name }: Loose) => name === "echo");
  assert.equal(echo.title, "Echo");
  assert.equal(echo.annotations.readOnlyHint, true);
  assert.deepEqual(echo.inputSchema.required, ["text"]);
  const add = tools.find(({ name }: Loose) => name === "add");
  assert.deepEqual(Object.keys(add.outputSchema.properties), ["sum"]);
});

overEveryLeg(
  "answers calls with text, structure and errors",
  SHOWCASE,
  async (connect, leg) => {
    const client = await connect();
    // The clients check structured content against the listed schema.
    await client.raw.listTools();

    const echo = await client.raw.callTool({
      name: "echo",
      arguments: { text: "häß \u2028 😀" },
    });
    assert.deepEqual(echo.content, [{ type: "text", text: "häß \u2028 😀" }]);

    const sum = await client.raw.callTool({
      name: "add",
      arguments: { a: 2, b: 3 },
    });
    assert.deepEqual(sum.structuredContent, { sum: 5 });
    assert.deepEqual(JSON.parse(textOf(sum)), { sum: 5 });

    const failed = await client.tool("fail");
    assert.equal(failed.isError, true);
    assert.equal(textOf(failed), "the dice are gone");

    const wrong = await client.tool("add", { a: "two" });
    assert.equal(wrong.isError, true);
    assert.match(textOf(wrong), /Invalid arguments for tool add: .*a: /);

    const misfit = await client.tool("misfit");
    assert.equal(misfit.isError, true);
    assert.match(textOf(misfit), /Invalid structured content.*misfit.*sum/);

    await assert.rejects(client.tool("nothing"), { code: -32602 });
    // The v2 client makes an error of its own of the 404 that the spec demands.
    const asked404 = leg.era === "modern" && leg.place === "http";
    await assert.rejects(client.ask("tools/nothing", {}), {
      code: asked404 ? "CLIENT_HTTP_NOT_IMPLEMENTED" : -32601,
    });
  },
);

overEveryLeg("reports progress in order", SHOWCASE, async (connect) => {
  const client = await connect();
  const seen: Loose[] = [];
  const result = await client.tool("count", { to: 5 }, {
    onprogress: (progress) => seen.push(progress),
  });
  assert.equal(textOf(result), "counted to 5");
  // The clients drop progress that comes in one piece with its result, so what
  // counts is what came in.
  const came = client.received.slice(-6);
  const token = came[0].params.progressToken;
  assert.notEqual(token, undefined);
  assert.deepEqual(
    came.slice(0, 5).map(({ params }) => params),
    [1, 2, 3, 4, 5].map((progress) => ({
      progressToken: token,
      progress,
      total: 5,
      message: `step ${progress}`,
    })),
  );
  assert.deepEqual(came[5].result.content, result.content);
  assert.deepEqual(
    seen.map(({ progress }) => progress),
    [1, 2, 3, 4, 5].slice(0, seen.length),
  );

  await client.tool("count", { to: 3 });
  assert.equal(client.received.length, 7, "nobody asked for that progress");
});

const said = (client: { heard: Loose[] }) =>
  client.heard.filter(({ method }) => method === "notifications/message")
    .map(({ params }) => params.level);

overEveryLeg(
  "logs to a modern client that asks for a level",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    await client.tool("talk");
    assert.deepEqual(said(client), []);
    await client.tool("talk", {}, { logLevel: "info" });
    assert.deepEqual(said(client), ["info", "error"]);
    assert.deepEqual(client.heard[0].params, {
      level: "info",
      logger: "mouth",
      data: { voice: "normal" },
    });
    await client.tool("talk", {}, { logLevel: "error" });
    assert.deepEqual(said(client), ["info", "error", "error"]);
  },
  ({ era }) => era === "modern",
);

overEveryLeg(
  "logs to a legacy client from the level it sets",
  SHOWCASE,
  async (connect) => {
    const client = await connect();
    await client.tool("talk");
    assert.deepEqual(said(client), ["debug", "info", "error"]);
    await client.raw.setLoggingLevel("error");
    await client.tool("talk");
    assert.deepEqual(said(client).slice(3), ["error"]);
    await assert.rejects(
      client.ask("logging/setLevel", { level: "loud" }),
      { code: -32602 },
    );
  },
  ({ era }) => era === "legacy",
);

for (const tool of ["hold", "hold_and_report"]) {
  overEveryLeg(
    `a cancelled call aborts ctx.signal: ${tool}`,
    SHOWCASE,
    async (connect) => {
      const client = await connect();
      const controller = new AbortController();
      const call = client.tool(tool, { key: "one" }, {
        signal: controller.signal,
        onprogress: () => {},
      });
      await client.tool("await_state", { key: "one", state: "held" });
      controller.abort("had enough");
      await assert.rejects(call);
      const { content } = await client.tool("await_state", {
        key: "one",
        state: "aborted",
      });
      assert.equal(content[0].text, "aborted");
      assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");
    },
  );
}

overEveryLeg("a call past its time fails", SHOWCASE, async (connect) => {
  const client = await connect();
  const late = await client.tool("dawdle");
  assert.equal(late.isError, true);
  assert.match(textOf(late), /tool dawdle.*20 ms/);
  assert.equal(textOf(await client.tool("echo", { text: "on" })), "on");
});

overEveryLeg("a client that gives up is let go", SHOWCASE, async (connect) => {
  const client = await connect();
  const call = client.tool("hold", { key: "late" }, { timeout: 100 });
  await assert.rejects(call, /timed out/i);
  await client.tool("await_state", { key: "late", state: "aborted" });
});

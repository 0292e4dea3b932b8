import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { runScript } from "../support/scripts.ts";

function routed(options = {}): McpServer {
  const server = new McpServer({ name: "test", version: "1.0.0" }, options);
  server.app.get("/mine", (c) => c.text("mine"));
  return server;
}

const elsewhere = () =>
  new Request("http://mcp.example.com/mcp", { method: "PUT" });

Deno.test("a server that listens beyond the loopback may be called by any name, its own routes too", async () => {
  const server = routed();
  assert.equal((await server.fetch(elsewhere())).status, 403);
  await using running = await server.serve({
    hostname: "0.0.0.0",
    port: 0,
    signals: false,
    onListen: () => {},
  });
  assert.equal((await server.fetch(elsewhere())).status, 405);
  const mine = await fetch(`http://127.0.0.1:${running.port}/mine`);
  assert.equal(await mine.text(), "mine");
});

Deno.test("names that were given are the only ones, wherever it listens", async () => {
  const server = routed({ allowedHosts: ["other.example.com"] });
  await using _running = await server.serve({
    hostname: "0.0.0.0",
    port: 0,
    signals: false,
    onListen: () => {},
  });
  assert.equal((await server.fetch(elsewhere())).status, 403);
});

Deno.test("HTTP options are refused when the server is made", () => {
  assert.throws(
    () => routed({ allowedHosts: ["host:80"] }),
    /allowedHosts takes host names without a scheme or a port/,
  );
  assert.throws(() => routed({ maxBodyBytes: 0 }), /maxBodyBytes must be/);
});

Deno.test("options of serve and serveStdio are refused before anything is opened", async () => {
  const opened: string[] = [];
  const server = routed({
    lifespan: () => void opened.push("lifespan"),
  });
  for (
    const [name, value] of [
      ["port", 70_000],
      ["port", null],
      ["hostname", 3],
      ["hostname", ""],
      ["signals", "no"],
      ["graceMs", -1],
      ["drainMs", NaN],
      ["signal", 3],
      ["signal", { aborted: false }],
      ["tls", { cert: "…" }],
      ["tls", null],
      ["onListen", "log"],
    ]
  ) {
    await assert.rejects(
      server.serve({ port: 0, [name as string]: value as never }),
      { name: "InvalidOptionError", message: new RegExp(`^${name} must `) },
    );
  }
  for (
    const [name, value] of [
      ["maxMessageBytes", 0],
      ["graceMs", "1"],
      ["signals", 1],
      ["signal", 3],
    ]
  ) {
    await assert.rejects(
      server.serveStdio({ [name as string]: value as never }),
      { name: "InvalidOptionError", message: new RegExp(`^${name} must `) },
    );
  }
  assert.deepEqual(opened, []);
  assert.equal((await server.fetch(elsewhere())).status, 403);
});

Deno.test("a hostname that is none of this machine's is named, and its option", async () => {
  const server = routed({ log: () => {} });
  const quiet = { port: 0, signals: false, onListen: () => {} };
  for (const hostname of ["no.such.invalid", "192.0.2.1", "a b"]) {
    const why =
      `hostname must be a name or an address of this machine, got "${hostname}": `;
    for (
      const [options, of] of [[{}, "^"], [
        { operatorPort: 0 },
        "^operatorPort: ",
      ]]
    ) {
      await assert.rejects(
        server.serve({ ...quiet, hostname, ...options as object }),
        { message: new RegExp(of + why) },
      );
    }
  }
  await server.close();
});

Deno.test("what throws once it listens leaves nothing open", async () => {
  const events: string[] = [];
  const server = routed({
    log: () => {},
    lifespan: (stack: AsyncDisposableStack) =>
      stack.defer(() => void events.push("closed")),
  });
  let port = 0;
  await assert.rejects(
    server.serve({
      port: 0,
      drainMs: 60_000,
      onListen: (address) => {
        port = address.port;
        throw new Error("not here");
      },
    }),
    /not here/,
  );
  assert.deepEqual(events, ["closed"]);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/mine`));
});

Deno.test("a signal that has aborted already ends the server, and the process with it", async () => {
  for (const how of ["http", "stdio"]) {
    const said = await runScript(
      `import { McpServer } from "src/../mod.ts";
      const server = new McpServer({ name: "t", version: "1" }, {
        log: () => {},
        dashboard: true,
        lifespan: (stack) => void stack.defer(() => console.log("closed")),
      });
      const options = { signal: AbortSignal.abort() };
      // Should it not end, neither would this test.
      Deno.unrefTimer(setTimeout(() => Deno.exit(1), 20_000));
      if ("${how}" === "stdio") {
        const ended = Promise.withResolvers();
        await server.serveStdio({
          ...options,
          streams: { read: () => ended.promise, write: () => {}, close: () => ended.resolve(null) },
        });
      } else {
        const running = await server.serve({ ...options, port: 0 });
        await running.finished;
      }
      console.log("finished");`,
      "-A",
      "--no-check",
    );
    assert.equal(said, "closed\nfinished\n", how);
  }
});

Deno.test("a server listens once: in another place only if it could not begin", async () => {
  const quiet = { signals: false, onListen: () => {} };
  const other = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(),
  );
  const server = routed({ log: () => {} });
  await assert.rejects(
    server.serve({ ...quiet, port: other.addr.port }),
    Deno.errors.AddrInUse,
  );
  await other.shutdown();
  const beginning = server.serve({ ...quiet, port: 0 });
  const twice = { name: "AlreadyServingError", message: /listens already/ };
  await assert.rejects(server.serve({ ...quiet, port: 0 }), twice);
  const running = await beginning;
  await assert.rejects(server.serve({ ...quiet, port: 0 }), twice);
  const mine = await fetch(new URL("/mine", running.url));
  assert.equal(await mine.text(), "mine");
  await running.shutdown();
  await assert.rejects(server.serve({ ...quiet, port: 0 }), {
    name: "ClosedError",
  });
});

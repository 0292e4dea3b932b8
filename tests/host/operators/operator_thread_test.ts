import assert from "node:assert/strict";
import { OperatorThread } from "../../../src/host/operators/operator_thread.ts";
import {
  InvalidOptionError,
  McpServer,
  type McpServerOptions,
  type RunningServer,
  type ServeOptions,
} from "../../../mod.ts";
import type { LogRecord } from "../../../mod.ts";
import { hasOpenssl, makeCertificate } from "../../support/certificate.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free_port.ts";

const info = { name: "test", version: "1.0.0" };
const QUIET = { signals: false, onListen: () => {} };

type AnyOptions = ConstructorParameters<typeof McpServer>[1];

function served(
  options: AnyOptions & McpServerOptions = {},
  serve: ServeOptions = {},
): Promise<RunningServer> {
  const server = new McpServer(info, { log: () => {}, ...options });
  return server.serve({ ...QUIET, port: 0, operatorPort: 0, ...serve });
}

async function ask(
  port: number | undefined,
  path: string,
  init?: RequestInit,
): Promise<{ code: number; type: string; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const type = response.headers.get("content-type") ?? "";
  return { code: response.status, type, text: await response.text() };
}

Deno.test("with an operators' port, the other one keeps the probes alone", async () => {
  await using running = await served({ dashboard: true, debug: true });
  const { port, operatorPort } = running;
  assert.notEqual(port, operatorPort);
  const probes = ["/health", "/health/ready", "/health/detailed"];
  const pages = ["/metrics", "/dashboard", "/debug/heap?seconds=1&top=1"];
  for (const path of [...probes, ...pages]) {
    assert.equal((await ask(operatorPort, path)).code, 200, path);
    const expected = probes.includes(path) ? 200 : 404;
    assert.equal((await ask(port, path)).code, expected, path);
  }
  assert.equal((await ask(operatorPort, "/mcp")).code, 404);
  assert.equal(
    (await ask(operatorPort, "/metrics", { method: "POST" })).code,
    405,
  );
});

Deno.test("the operators' port speaks every form of the metrics", async () => {
  await using running = await served();
  const form = async (accept: string) => {
    const { type, text } = await ask(running.operatorPort, "/metrics", {
      headers: { accept },
    });
    return { type: type.split(";")[0], text };
  };
  const plain = await form("text/plain");
  assert.equal(plain.type, "text/plain");
  assert.match(plain.text, /^event_loop_current_block_seconds 0\n$/m);
  const open = await form("application/openmetrics-text");
  assert.equal(open.type, "application/openmetrics-text");
  assert.equal(open.text.match(/# EOF/g)?.length, 1);
  assert.match(open.text, /# EOF\n$/);
  const json = await form("application/json");
  const { requests_total, event_loop_current_block_seconds } = JSON.parse(
    json.text,
  );
  assert.deepEqual([requests_total, event_loop_current_block_seconds], [0, 0]);
});

Deno.test("the same gate holds on the operators' port", async () => {
  const asked: string[] = [];
  await using running = await served({
    dashboard: true,
    authorizeOperator: ({ headers, url }) => {
      asked.push(new URL(url).pathname);
      const key = headers.get("x-key");
      if (key === "fails") throw new Error("no idea");
      if (key === "silent") return undefined as never;
      return key === null
        ? new Response("who are you?", {
          status: 401,
          headers: { "www-authenticate": "Basic" },
        })
        : key === "good";
    },
  });
  const as = async (path: string, key?: string) => {
    const headers: HeadersInit = key === undefined ? {} : { "x-key": key };
    return (await ask(running.operatorPort, path, { headers })).code;
  };
  for (const path of ["/metrics", "/dashboard"]) {
    assert.equal(await as(path, "good"), 200);
    assert.equal(await as(path, "bad"), 403);
    assert.equal(await as(path, "fails"), 500);
    assert.equal(await as(path, "silent"), 403);
    const { code, text } = await ask(running.operatorPort, path);
    assert.deepEqual([code, text], [401, "who are you?"]);
  }
  assert.equal(await as("/health"), 200);
  assert.equal(asked.length, 10);
  const changing = await ask(running.operatorPort, "/metrics", {
    method: "DELETE",
  });
  assert.equal(changing.code, 405);
  assert.equal(asked.length, 10);
});

Deno.test("without an authorizeOperator, pages are for this machine, under its own names", async () => {
  await using running = await served({ dashboard: true });
  const as = async (path: string, headers: HeadersInit) =>
    (await ask(running.operatorPort, path, { headers })).code;
  assert.equal(await as("/dashboard", { "x-forwarded-for": "1.2.3.4" }), 403);
  assert.equal(await as("/metrics", { "x-forwarded-for": "1.2.3.4" }), 200);
  // fetch lets nobody set a host.
  const connection = await Deno.connect({ port: running.operatorPort! });
  await connection.write(new TextEncoder().encode(
    "GET /metrics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
  ));
  const text = await new Response(connection.readable).text();
  assert.match(text, /^HTTP\/1\.1 403 /);
  assert.match(text, /Host \\"evil.example\\" is not allowed/);
});

Deno.test("a port in use is a clear error, and leaves nothing behind", async () => {
  await using taken = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, () => new Response());
  let opened = 0;
  const logged: LogRecord[] = [];
  const server = new McpServer(info, {
    log: (record) => logged.push(record),
    lifespan: () => ({ opened: ++opened }),
  });
  const { port } = taken.addr as Deno.NetAddr;
  await assert.rejects(
    server.serve({ ...QUIET, port: 0, operatorPort: port }),
    {
      name: "AddrInUse",
      message: `operatorPort: 127.0.0.1:${port} is in use by another program`,
    },
  );
  assert.equal(opened, 0);
  assert.match(logged[0].message, /starting test failed: operatorPort/);
  // The other way round, the thread ends.
  await assert.rejects(
    server.serve({ ...QUIET, port, operatorPort: 0 }),
    { name: "AddrInUse", message: /^127.0.0.1:\d+ is in use/ },
  );
  await using running = await server.serve({ ...QUIET, port: 0 });
  assert.equal(running.operatorPort, undefined);
  assert.equal((await ask(running.port, "/metrics")).code, 200);
});

Deno.test("ports that are none are refused by name", async () => {
  const cases: [ServeOptions, RegExp][] = [
    [{ operatorPort: -1 }, /operatorPort must be a whole number .* got -1/],
    [{ operatorPort: 65_536 }, /operatorPort must be .* got 65536/],
    [{ operatorPort: "9" as never }, /operatorPort must be .* got "9"/],
    [
      { port: 9_000, operatorPort: 9_000 },
      /operatorPort must be another than port, got 9000/,
    ],
  ];
  for (const [serve, message] of cases) {
    await assert.rejects(served({}, serve), (error) => {
      assert.ok(error instanceof InvalidOptionError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("operators are answered while the lifespan opens, and until all is closed", async () => {
  const opening = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  const port = await freePort();
  const beginning = served({
    lifespan: async (stack) => {
      stack.defer(() => closing.promise);
      await opening.promise;
      return {};
    },
  }, { operatorPort: port });
  const state = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
      .catch(() => undefined);
    return (await response?.json())?.status;
  };
  await eventually(async () => await state() === "starting");
  opening.resolve();
  const running = await beginning;
  assert.equal(await state(), "ready");
  const over = running.shutdown();
  await eventually(async () => await state() === "draining");
  closing.resolve();
  await over;
  assert.equal(await state(), undefined);
});

Deno.test("a shutdown ends dashboards on the operators' port", async () => {
  const running = await served({ dashboard: true });
  const events = await fetch(
    `http://127.0.0.1:${running.operatorPort}/dashboard/events`,
  );
  await running.shutdown();
  assert.match(await events.text(), /^event: history/);
});

Deno.test("a shutdown that breaks a profile off is no fault in the log", async () => {
  const logged: string[] = [];
  const running = await served({
    debug: true,
    log: ({ level, message }) => {
      if (level === "error") logged.push(message);
    },
  });
  const profile = (seconds: number) =>
    ask(running.operatorPort, `/debug/profile?seconds=${seconds}`);
  let broken: Promise<unknown>;
  // On a machine that is busy the server may count as blocked for a moment.
  await eventually(async () => {
    broken = profile(60).catch(() => {});
    await ask(running.operatorPort, "/health/ready");
    return (await profile(1)).code === 429;
  });
  await running.shutdown();
  await broken!;
  assert.deepEqual(logged, []);
});

Deno.test({
  name: "with a certificate, the operators' port speaks HTTPS too",
  ignore: !hasOpenssl,
  async fn() {
    const tls = await makeCertificate();
    await using running = await served({}, { tls });
    using client = Deno.createHttpClient({ caCerts: [tls.cert] });
    const url = `https://127.0.0.1:${running.operatorPort}/health/ready`;
    const response = await fetch(url, { client });
    assert.equal((await response.json()).status, "ready");
    await assert.rejects(ask(running.operatorPort, "/health/ready"));
  },
});

Deno.test("a thread that fails is followed by another on the same port, and the log says so", async () => {
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  await using thread = await OperatorThread.open({
    port: 0,
    hostname: "127.0.0.1",
    tls: undefined,
    module: import.meta.resolve("./failing_thread.ts"),
    log: { debug: log, info: log, warning: log, error: log },
    desk: { answer: () => Promise.resolve() },
    setup: {
      facts: { info, options: { metrics: true } },
      pages: { dashboard: false, debug: false },
      isGuarded: false,
      allowedHosts: new Set<string>(),
      publicUrl: undefined,
      trustedProxies: undefined,
    },
  });
  const { port } = thread;
  for (let times = 1; times <= 2; times++) {
    await eventually(() =>
      ask(thread.port, "/").then(({ text }) => text === "once", () => false)
    );
    await eventually(() => logged.length === times);
    assert.match(logged.at(-1)!, /operators' thread failed: .*out of luck/);
  }
  await eventually(() =>
    ask(thread.port, "/").then(({ code }) => code === 200, () => false)
  );
  assert.equal(thread.port, port);
});

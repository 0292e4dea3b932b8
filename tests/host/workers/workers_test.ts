import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { eventually } from "../../support/eventually.ts";
import { promtoolFaults } from "../../support/prometheus.ts";
import { RawSocket } from "../../transport/raw_socket.ts";
import { initialize, modernCall, read, within } from "../../transport/wire.ts";
import { Crew, isAlive } from "./crew.ts";

Deno.test("workers share a port; each process is asked, and named", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const pids = await crew.workers();
  assert.deepEqual(Object.keys(pids), ["1", "2"]);
  assert.equal(Object.values(pids).includes(crew.pid), false);
  const answered = new Set<number>();
  await eventually(async () => {
    answered.add(Number(await crew.text("pid")));
    return answered.size === 2;
  });
  assert.deepEqual(answered, new Set(Object.values(pids)));
  const health = await fetch(new URL("/health", crew.url));
  assert.match((await health.json()).worker, /^[12]$/);
  // What a worker starts itself is no worker.
  assert.equal(await crew.text("env"), "none");
});

Deno.test("operators see all workers as one, or one by its name", async () => {
  await using crew = await Crew.start({ workers: 2 });
  for (let i = 0; i < 40; i++) await crew.text("pid");
  const all = await crew.operator("/metrics");
  const calls = [...all.text.matchAll(
    /^mcp_server_operation_duration_seconds_count\{worker_process="(\d)",.*tool_name="pid"\} (\d+)$/gm,
  )];
  assert.deepEqual(calls.map(([_, worker]) => worker), ["1", "2"]);
  assert.equal(calls.reduce((sum, [, , count]) => sum + Number(count), 0), 40);
  assert.equal(all.text.match(/^# TYPE mcp_server_sessions /gm)?.length, 1);
  assert.match(all.text, /^mcp_server_worker_up\{worker_process="2"\} 1$/m);
  assert.equal(await promtoolFaults(all.text), "");
  const [, worker, count] = calls[0];
  const one = await crew.operator(`/workers/${worker}/metrics`);
  assert.match(
    one.text,
    new RegExp(`_seconds_count\\{.*tool_name="pid"\\} ${count}$`, "m"),
  );
  const json = JSON.parse((await crew.operator("/metrics?format=json")).text);
  assert.equal(json.tools.pid.calls, 40);
  assert.deepEqual(Object.keys(json.workers), ["1", "2"]);
  for (const path of ["/dashboard", "/workers/2/dashboard"]) {
    assert.equal((await crew.operator(path)).status, 200, path);
  }
  // On a machine that is busy it may count as blocked for a moment.
  await eventually(async () => {
    const { status, text } = await crew.operator(
      "/workers/1/debug/profile?seconds=1",
    );
    return status === 200 && JSON.parse(text).nodes.length > 0;
  }, 60_000);
  const unnamed = await crew.operator("/debug/profile");
  assert.equal(unnamed.status, 400);
  assert.match(unnamed.text, /\/workers\/2\/debug\/profile/);
  assert.equal((await crew.operator("/workers/3/health")).status, 404);
  // The shared port has the probes alone.
  const metrics = await fetch(new URL("/metrics", crew.url));
  assert.equal(metrics.status, 404);
  await metrics.body?.cancel();
});

Deno.test("a worker's profile ends when nobody waits for it any longer", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const profile = (seconds: number, signal?: AbortSignal) =>
    fetch(
      new URL(`/workers/1/debug/profile?seconds=${seconds}`, crew.operators),
      { signal },
    ).then(async (response) => {
      await response.body?.cancel();
      return response.status;
    });
  const leaving = new AbortController();
  let left: Promise<number>;
  // On a machine that is busy it may count as blocked for a moment.
  await eventually(async () => {
    left = profile(60, leaving.signal);
    left.catch(() => {});
    await crew.operator("/workers/1/health");
    return await profile(1) === 429;
  }, 60_000);
  leaving.abort();
  await assert.rejects(left!, { name: "AbortError" });
  await eventually(async () => await profile(1) === 200, 20_000);
});

Deno.test("a shutdown that breaks a worker's profile off answers so, and is no fault in the log", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const profile = (seconds: number) =>
    crew.operator(`/workers/1/debug/profile?seconds=${seconds}`);
  let broken: ReturnType<typeof profile>;
  // On a machine that is busy it may count as blocked for a moment.
  await eventually(async () => {
    broken = profile(60);
    await crew.operator("/workers/1/health");
    return (await profile(1)).status === 429;
  }, 60_000);
  crew.kill("SIGTERM");
  const { status, text } = await broken!;
  assert.deepEqual([status, JSON.parse(text).error], [
    503,
    "the server closes",
  ]);
  await crew.ended();
  assert.deepEqual(crew.log.filter(({ level }) => level === "error"), []);
});

Deno.test("SIGHUP is for the supervisor, a worker that hears it serves on", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const before = await crew.workers();
  for (const pid of Object.values(before)) Deno.kill(pid, "SIGHUP");
  for (let call = 0; call < 20; call++) await crew.text("pid");
  assert.deepEqual(await crew.workers(), before);
  assert.equal(crew.logged("failed"), false);
});

Deno.test("a supervisor that runs out of file descriptors lives on, and answers operators again", async () => {
  await using crew = await Crew.start({ workers: 2 }, { openFiles: "256" });
  const port = Number(new URL(crew.operators).port);
  const connections: Deno.TcpConn[] = [];
  for (let each = 0; each < 300; each++) {
    await Deno.connect({ hostname: "127.0.0.1", port })
      .then((connection) => connections.push(connection), () => {});
  }
  await eventually(() => crew.logged("can't be accepted"), 20_000);
  assert.match(await crew.text("pid"), /^\d+$/);
  for (const each of connections) each.close();
  await eventually(async () => {
    const answer = await crew.operator("/health").catch(() => undefined);
    return answer?.status === 200;
  }, 20_000);
});

Deno.test("the path to a worker leads nobody around the gate", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const port = Number(new URL(crew.operators).port);
  const begin = async (line: string, host: string) => {
    using socket = await RawSocket.open(port);
    await socket.write(`${line} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
    const [status] = (await socket.readUntil("\r\n\r\n")).split("\r\n");
    return status;
  };
  for (
    const [line, host, status] of [
      ["GET /workers/1/dashboard", "localhost", 200],
      ["GET /workers/1/dashboard", "evil.example", 403],
      // What looks like a host in the path is none.
      ["GET /workers/1//localhost/dashboard", "evil.example", 404],
      ["GET /workers/1//localhost/debug/heap", "evil.example", 404],
      ["GET /workers/1//[", "localhost", 404],
      ["TRACE /workers/1/metrics", "localhost", 405],
    ] as const
  ) {
    assert.match(await begin(line, host), new RegExp(` ${status} `), line);
  }
});

Deno.test("a change made in one worker is heard through another, and a question asked by one answered to any", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const listen = (id: number) => ({
    jsonrpc: "2.0",
    id,
    method: "subscriptions/listen",
    params: {
      notifications: { resourceSubscriptions: ["thing://1"] },
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  });
  const streams = await Promise.all(
    [1, 2, 3, 4].map(async (id) => (await crew.post(listen(id))).body!),
  );
  const heard = streams.map(() => 0);
  const reading = streams.map(async (stream, i) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      heard[i] += text.match(/notifications\/resources\/updated/g)?.length ?? 0;
    }
  });
  const changedIn = new Set<string>();
  let changes = 0;
  await eventually(async () => {
    changes++;
    return changedIn.add(await crew.text("change")).size === 2;
  });
  await eventually(() => heard.every((each) => each === changes));

  const client = {
    _meta: {
      "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
    },
  };
  for (let i = 0; i < 10; i++) {
    const asked = await crew.call("ask", {}, client);
    assert.equal(asked.resultType, "input_required");
    const [name] = Object.keys(asked.inputRequests);
    const answered = await crew.call("ask", {}, {
      ...client,
      inputResponses: { [name]: { action: "decline" } },
      requestState: asked.requestState,
    });
    assert.equal(answered.content?.[0].text, "decline");
  }
  crew.kill("SIGTERM");
  await Promise.allSettled(reading);
});

Deno.test("a session lives in all workers, also when that which opened it is gone, and a limit counts in all", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const opened = await crew.legacy(initialize("2025-11-25"));
  const session = opened.headers.get("mcp-session-id")!;
  await opened.body?.cancel();
  const ask = async () => {
    const answer = await read(
      await crew.legacy({
        jsonrpc: "2.0",
        id: 2,
        method: "tools/call",
        params: { name: "pid" },
      }, session),
    );
    return answer.body.result.content[0].text;
  };
  const answered = new Set<string>();
  await eventually(async () => answered.add(await ask()).size === 2);
  const before = Object.values(await crew.workers());
  crew.kill("SIGHUP");
  await crew.renewed(2, before);
  assert.ok(!before.includes(Number(await ask())));

  const outcomes: unknown[] = [];
  for (let i = 0; i < 12; i++) {
    outcomes.push((await crew.answer("limited")).body.error?.code);
  }
  assert.deepEqual(outcomes.filter((code) => code === undefined).length, 5);
});

Deno.test("a task is known to all workers, and goes on in another when its own is gone", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const _meta = {
    "io.modelcontextprotocol/clientCapabilities": {
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
  };
  const { taskId } = await crew.call("job", { ms: 3_000 }, { _meta });
  const get = async () => {
    const message = modernCall("tasks/get", { taskId, _meta });
    return (await read(await crew.post(message))).body.result;
  };
  await eventually(async () => /^\d+$/.test((await get()).statusMessage));
  // Every request may be another worker's.
  for (let i = 0; i < 10; i++) assert.equal((await get()).status, "working");
  const first = Number((await get()).statusMessage);
  assert.ok(Object.values(await crew.workers()).includes(first));
  Deno.kill(first, "SIGKILL");
  await eventually(
    async () =>
      await get().then(({ status }) => status === "completed", () => false),
    60_000,
  );
  const [, second] = /^done in (\d+)$/.exec(
    (await get()).result.content[0].text,
  )!;
  assert.notEqual(Number(second), first);
});

Deno.test("a worker that ends is followed by another, and one that hangs is killed and followed", async () => {
  await using crew = await Crew.start({
    workers: { count: 2, maxSilenceMs: 1_500 },
  });
  const first = await crew.workers();
  await assert.rejects(crew.call("exit"));
  await eventually(() => crew.logged("failed: it ended with exit code 7"));
  await crew.renewed(2);
  const second = await crew.workers();
  const stayed = Object.values(second)
    .filter((pid) => Object.values(first).includes(pid));
  assert.equal(stayed.length, 1);

  const hung = assert.rejects(crew.call("hang"));
  await eventually(() => crew.logged("did not answer for"), 60_000);
  await hung;
  await crew.renewed(2);
  const { text } = await crew.operator("/metrics");
  const restarts = [...text.matchAll(
    /^mcp_server_worker_restarts_total\{.*\} (\d+)$/gm,
  )];
  assert.equal(restarts.reduce((sum, [_, each]) => sum + Number(each), 0), 2);
  assert.equal(await crew.text("pid").then(Number).then(isAlive), true);
});

Deno.test("workers that end over and over end the server, with the reason", async () => {
  await using crew = await Crew.start({ workers: 2 });
  await crew.fail(true);
  const pids = Object.values(await crew.workers());
  await assert.rejects(crew.call("exit"));
  const { code } = await crew.ended();
  assert.equal(code, 1);
  assert.ok(crew.logged("failed 5 times in a row: it ended with exit code 1"));
  assert.ok(crew.logged("opening the lifespan") || crew.logged("not today"));
  assert.deepEqual(pids.filter(isAlive), []);
});

Deno.test("a server whose workers can't start ends at once, with the reason", async () => {
  await using crew = await Crew.start({ workers: 2 }, { failing: true });
  assert.equal((await crew.ended()).code, 1);
  assert.equal(crew.url, "");
  assert.ok(crew.logged("not today"));
  assert.ok(crew.logged("could not start: it ended with exit code 1"));
});

Deno.test("what needs a supervisor that is halted gets 503, until it goes on", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const open = async () => {
    const answer = await crew.legacy(initialize("2025-11-25"));
    await answer.body?.cancel();
    return answer.status;
  };
  crew.kill("SIGSTOP");
  try {
    assert.equal(await within(open()), 503);
  } finally {
    crew.kill("SIGCONT");
  }
  await eventually(async () => await open() === 200);
});

Deno.test("a worker that has to be killed at a shutdown is in the log", async () => {
  await using crew = await Crew.start({ workers: 2, graceMs: 0 });
  const lost = crew.text("hang").catch(() => "lost");
  await eventually(async () =>
    (await crew.operator("/health/detailed")).text.includes("blocked")
  );
  crew.kill("SIGTERM");
  assert.equal((await crew.ended()).code, 0);
  assert.equal(await lost, "lost");
  const warned = crew.log.filter(({ level }) => level === "warning")
    .map(({ message }) => message);
  assert.match(
    warned.join(),
    /^worker [12] did not end in good order: it did not (end in time|answer)/,
  );
});

Deno.test("SIGTERM lets calls under way end, in all workers", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const pids = Object.values(await crew.workers());
  const calls = Array.from(
    { length: 20 },
    () => crew.text("slow", { ms: 3_000 }),
  );
  await crew.busyWith(calls.length);
  crew.kill("SIGTERM");
  // Systemd, and a terminal, send it to every process.
  await eventually(() =>
    crew.log.filter(({ message }) => message === "crew shuts down").length === 3
  );
  for (const pid of pids) Deno.kill(pid, "SIGTERM");
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(["done"]));
  assert.equal((await crew.ended()).code, 0);
  assert.deepEqual(pids.filter(isAlive), []);
  const closed = crew.log.filter(({ message }) => message === "crew is closed");
  assert.equal(closed.length, 3);
});

Deno.test("SIGHUP replaces every worker while calls go on; what is lost never had an answer", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const before = Object.values(await crew.workers());
  let goOn = true;
  let answered = 0;
  const lost: unknown[] = [];
  const callers = Array.from({ length: 8 }, async () => {
    while (goOn) {
      try {
        assert.match(await crew.text("pid"), /^\d+$/);
        answered++;
      } catch (error) {
        lost.push(error);
      }
    }
  });
  await eventually(() => answered > 50);
  crew.kill("SIGHUP");
  await crew.renewed(2, before);
  const soFar = answered;
  await eventually(() => answered > soFar + 50);
  goOn = false;
  await Promise.all(callers);
  assert.deepEqual(before.filter(isAlive), []);
  // Those alone that the system had queued for a worker when it left.
  assert.deepEqual(
    lost.filter((error) => !(error instanceof TypeError)),
    [],
  );
  assert.ok(lost.length <= 10 + answered / 20, `${lost.length} of ${answered}`);
});

Deno.test("workers that can't be replaced stay", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const before = await crew.workers();
  await crew.fail(true);
  crew.kill("SIGHUP");
  await eventually(() => crew.logged("worker 1 is not replaced"), 60_000);
  assert.deepEqual(await crew.workers(), before);
  await crew.fail(false);
  crew.kill("SIGHUP");
  await crew.renewed(2, Object.values(before));
});

Deno.test("workers that may have missed a change of the program are replaced again", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const before = await crew.workers();
  crew.kill("SIGHUP");
  await eventually(async () => (await crew.workers())[1] !== before[1], 60_000);
  const between = await crew.workers();
  crew.kill("SIGHUP");
  await crew.renewed(2, [...Object.values(before), between[1]]);
});

Deno.test("workers end with a supervisor that is killed", async () => {
  await using crew = await Crew.start({ workers: 2 });
  const pids = Object.values(await crew.workers());
  const call = crew.text("slow", { ms: 3_000 });
  await crew.busyWith(1);
  crew.kill("SIGKILL");
  // What is under way is answered all the same.
  assert.equal(await call, "done");
  await eventually(() => pids.filter(isAlive).length === 0, 30_000);
  await crew.ended();
});

Deno.test("a worker that is loading still when its supervisor goes doesn't become one", async () => {
  const script = new URL("./fixtures/crew_server.ts", import.meta.url);
  const options = { workers: 2, failAt: "nowhere", loadMs: 300 };
  const child = spawn(
    Deno.execPath(),
    ["run", "-A", "--no-check", script.pathname, JSON.stringify(options)],
    {
      env: { ...Deno.env.toObject(), SLUICE_WORKER: '{"name":"1","port":1}' },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.disconnect();
  try {
    assert.equal(await within(ended), 1);
  } finally {
    child.kill("SIGTERM");
  }
});

import assert from "node:assert/strict";
import {
  ClosedError,
  InvalidOptionError,
  QueueFullError,
  TimeoutError,
  WorkerError,
  type WorkerFailure,
  WorkerPool,
  type WorkerPoolOptions,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { runScript } from "../support/scripts.ts";
import type work from "./fixtures/worker_work.ts";

const MODULE = new URL("./fixtures/worker_work.ts", import.meta.url);

type Work = { default: typeof work };

/** A pool of one worker whose warnings are kept. */
function poolOf(options: WorkerPoolOptions = {}) {
  const warnings: string[] = [];
  const pool = new WorkerPool<Work>(MODULE, {
    name: "work",
    max: 1,
    log: { warn: (message) => void warnings.push(message) },
    ...options,
  });
  return Object.assign(pool, { warnings });
}

function fails(failure: WorkerFailure, text: RegExp) {
  return (error: unknown) => {
    assert(error instanceof WorkerError, String(error));
    assert.equal(error.code, "SLUICE_WORKER");
    assert.equal(error.failure, failure);
    assert.match(error.message, text);
    return true;
  };
}

for (const isolate of ["thread", "process"] as const) {
  const open = (options: WorkerPoolOptions = {}) =>
    poolOf({ isolate, ...options });

  Deno.test(`a ${isolate} takes and gives what structured clone can`, async () => {
    await using pool = open();
    const value = {
      text: "é",
      list: [1, undefined, null, NaN],
      map: new Map([["a", new Date(5)]]),
      bytes: new Uint8Array([1, 2, 3]),
    };
    assert.deepEqual(await pool.run({ do: "echo", value }), value);
    const big = "x".repeat(300_000);
    assert.equal(await pool.run({ do: "echo", value: big }), big);
  });

  Deno.test(`a ${isolate} stays warm, and does one call at a time`, async () => {
    await using pool = open();
    const results = await Promise.all(
      [1, 2, 3].map((n) => pool.run({ do: "square", n })),
    );
    assert.deepEqual(results, [
      { square: 1, uses: 1 },
      { square: 4, uses: 2 },
      { square: 9, uses: 3 },
    ]);
    const { calls, started, idle, busy } = pool.stats;
    assert.deepEqual({ calls, started, idle, busy }, {
      calls: 3,
      started: 1,
      idle: 1,
      busy: 0,
    });
  });

  Deno.test(`what a ${isolate}'s function throws comes as it was`, async () => {
    await using pool = open();
    await assert.rejects(pool.run({ do: "throw" }), (error: Error) => {
      assert.equal(error.name, "RangeError");
      assert.equal(error.message, "too far");
      assert.equal((error as Error & { code: string }).code, "E_FAR");
      assert.match(error.stack!, /worker_work\.ts/);
      return true;
    });
    assert.equal(pool.stats.started, 1);
    assert.deepEqual(await pool.run({ do: "square", n: 2 }), {
      square: 4,
      uses: 2,
    });
  });

  Deno.test(`what a ${isolate}'s error says beneath its message comes, too`, async () => {
    await using pool = open();
    await assert.rejects(pool.run({ do: "throwAnObject" }), {
      message: '{"reason":"sold out"}',
    });
    await assert.rejects(pool.run({ do: "throwMany" }), {
      name: "AggregateError",
      message: "first; second",
    });
  });

  Deno.test(`a ${isolate}'s loop is stopped when its time is over`, async () => {
    await using pool = open({ timeoutMs: 200 });
    for (
      const task of [{ do: "loop", ms: 60_000 }, { do: "pattern" }] as const
    ) {
      await assert.rejects(pool.run(task), TimeoutError);
    }
    assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
    assert.equal(pool.stats.timedOut, 2);
    assert.equal(pool.stats.stuck, 0);
  });

  const deaths: [WorkerFailure, RegExp, Parameters<typeof work>[0]][] = [
    ["exited", /^work ended by itself: exit code 3$/, { do: "exit" }],
    ["crashed", /^work crashed: beside$/, {
      do: "throwBeside",
    }],
    ["crashed", /: beside$/, { do: "rejectBeside" }],
    ["out_of_memory", /^work ran out of memory/, { do: "fillHeap" }],
    ["out_of_memory", /^work ran out of memory/, { do: "fillHeapAfterAwait" }],
  ];
  for (const [failure, text, task] of deaths) {
    Deno.test(`a ${isolate} that dies (${task.do}) costs its own call alone`, async () => {
      await using pool = open({ max: 2, maxHeapMb: 40 });
      const other = pool.run({ do: "loop", ms: 300 });
      const waiting: unknown[] = [];
      const dying = pool.run(task);
      waiting.push(pool.run({ do: "echo", value: "next" }));
      await assert.rejects(dying, fails(failure, text));
      assert.equal(await other, "computed");
      assert.deepEqual(await Promise.all(waiting), ["next"]);
      assert.equal(pool.stats.crashed, 1);
    });
  }

  Deno.test(`a ${isolate} that crashes idle is replaced`, async () => {
    await using pool = open({ min: 1, backoffMs: 1 });
    assert.equal(await pool.run({ do: "throwLater", ms: 20 }), "answered");
    await eventually(() => pool.stats.crashed === 1 && pool.stats.idle === 1);
    assert.equal(pool.stats.started, 2);
    assert.match(pool.warnings[0], /^work: an idle worker ended/);
    assert.deepEqual(await pool.run({ do: "square", n: 2 }), {
      square: 4,
      uses: 1,
    });
  });

  Deno.test(`what can't be cloned is named, and the ${isolate} goes on`, async () => {
    await using pool = open();
    await assert.rejects(
      pool.run({ do: "echo", value: () => {} }),
      fails("not_cloneable", /the arguments: .*could not be cloned/),
    );
    await assert.rejects(
      pool.run({ do: "function" }),
      fails("not_cloneable", /the result: .*could not be cloned/),
    );
    assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
    assert.equal(pool.stats.started, 1);
  });

  Deno.test(`an error without a name, and what else a ${isolate} posts, harm nobody`, async () => {
    await using pool = open();
    await assert.rejects(pool.run({ do: "throwNameless" }), /^Error: x$/);
    assert.equal(await pool.run({ do: "post" }), "posted");
    assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
    assert.equal(pool.stats.started, 1);
  });

  Deno.test(`progress and log come across from a ${isolate}`, async () => {
    await using pool = open();
    const heard: unknown[] = [];
    assert.equal(
      await pool.run({ do: "say" }, {
        onProgress: (...progress) => void heard.push(progress),
        onLog: (...line) => void heard.push(line),
      }),
      "said",
    );
    assert.deepEqual(heard.slice(0, 2), [
      ["info", { rows: 1 }, "report"],
      [1, 2, "half"],
    ]);
    // What can't be cloned is told nearly: a log line must not cost the call.
    assert.match(String((heard[2] as string[])[1]), /=>/);
    assert.match(String((heard[3] as string[])[1]), /can't be shown/);
  });

  Deno.test(`a ${isolate} that reports without end is bounded`, async () => {
    await using pool = open();
    let heard = 0;
    const count = 100_000;
    assert.equal(
      await pool.run({ do: "many", count }, {
        onProgress: async () => {
          heard++;
          await new Promise((resolve) => setTimeout(resolve, 1));
        },
      }),
      count,
    );
    assert(heard > 0 && heard < 5_000, String(heard));
  });

  Deno.test(`a caller that leaves a ${isolate} is told at once`, async () => {
    await using pool = open({ timeoutMs: Infinity });
    for (const task of ["untilAborted", "loopUntilAborted"] as const) {
      const controller = new AbortController();
      const call = pool.run({ do: task }, { signal: controller.signal });
      await eventually(() => pool.stats.busy === 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort(new Error("gone"));
      await assert.rejects(call, /^Error: gone$/);
      assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
    }
    assert.equal(pool.stats.stuck, 0);
  });

  Deno.test(`a ${isolate} can't harm the protocol by writing to stdout`, async () => {
    await using pool = open();
    assert.equal(await pool.run({ do: "stdout" }), "said");
  });

  Deno.test(`closing a pool of ${isolate}es refuses what is under way`, async () => {
    const pool = open({ max: 1 });
    const running = pool.run({ do: "untilAborted" });
    const waiting = pool.run({ do: "echo", value: 1 });
    await eventually(() => pool.stats.busy === 1);
    await Promise.all([
      assert.rejects(running, ClosedError),
      assert.rejects(waiting, ClosedError),
      pool.close(),
    ]);
    assert.equal(pool.stats.size, 0);
    await assert.rejects(pool.run({ do: "echo", value: 1 }), ClosedError);
    await pool.close();
  });

  Deno.test(`a pool of ${isolate}es that is closed at once leaves nothing`, async () => {
    const pool = open({ min: 1 });
    await pool.close();
    assert.equal(pool.stats.size, 0);
  });

  Deno.test(`a module that no ${isolate} can start is named`, async () => {
    const modules: [URL, RegExp][] = [
      [new URL("./fixtures/no_such_module.ts", import.meta.url), /no_such_mod/],
      [new URL("data:text/javascript,export const a = 1"), /no function as/],
      [new URL("data:text/javascript,throw new Error('at once')"), /at once/],
      [new URL("data:text/javascript,Deno.exit(4)"), /code 4|no function as/],
    ];
    for (const [module, text] of modules) {
      await using pool = new WorkerPool(module, { name: "work", isolate });
      await assert.rejects(
        pool.run(1),
        fails(
          "not_started",
          new RegExp(`^work can't be started: .*${text.source}`),
        ),
      );
    }
  });
}

Deno.test("a process is one of its own, and ends in the midst of computing", async () => {
  await using pool = poolOf({ isolate: "process", timeoutMs: 300 });
  assert.notEqual(await pool.run({ do: "pid" }), Deno.pid);
  await assert.rejects(
    pool.run({ do: "loopAfterAwait", ms: 60_000 }),
    TimeoutError,
  );
  assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
  assert.equal(pool.stats.stuck, 0);
});

Deno.test("a thread that computes on after its end is counted and said", async () => {
  const pool = poolOf({ timeoutMs: 100, acquireTimeoutMs: 500 });
  await assert.rejects(
    pool.run({ do: "loopAfterAwait", ms: 4_000 }),
    TimeoutError,
  );
  await eventually(() => pool.stats.stuck === 1);
  assert.match(pool.warnings[0], /^work: a thread computes on .* isolate: "pr/);
  assert.deepEqual(await pool.checkHealth(), {
    status: "unhealthy",
    message: "threads that compute on though asked to end: 1",
  });
  // It keeps its place: such threads don't pile up.
  await assert.rejects(pool.run({ do: "echo", value: 1 }), TimeoutError);
  await eventually(() => pool.stats.stuck === 0);
  assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
  assert.deepEqual(await pool.checkHealth(), { status: "healthy" });
  await pool.close();
});

Deno.test("a call without a limit gives its thread back, too, when its caller leaves", async () => {
  const pool = poolOf({ timeoutMs: Infinity });
  const controller = new AbortController();
  const call = pool.run({ do: "forever" }, { signal: controller.signal });
  await eventually(() => pool.stats.busy === 1);
  controller.abort(new Error("gone"));
  await assert.rejects(call, /gone/);
  assert.equal(await pool.run({ do: "echo", value: 1 }), 1);
  assert.equal(pool.stats.started, 2);
  await pool.close();
});

Deno.test("a full line refuses, and calls in line give up", async () => {
  await using pool = poolOf({ maxWaiting: 1 });
  const running = pool.run({ do: "loop", ms: 200 });
  const controller = new AbortController();
  const waiting = pool.run({ do: "echo", value: 1 }, {
    signal: controller.signal,
  });
  await assert.rejects(pool.run({ do: "echo", value: 1 }), QueueFullError);
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.equal(await running, "computed");
});

Deno.test("options that make no sense are refused by name", () => {
  const refused: [unknown, unknown, RegExp][] = [
    ["./report.ts", {}, /must be a URL, such as new URL.*got "\.\/report\.ts"/],
    [MODULE, { isolate: "fork" }, /isolate must be one of "thread", "process"/],
    [MODULE, { timeoutMs: 0 }, /timeoutMs must be/],
    [MODULE, { maxHeapMb: 1 }, /maxHeapMb must be a whole number from 8/],
    [MODULE, { min: 3, max: 2 }, /min must not exceed max/],
    [
      MODULE,
      { maxHeap: 64 },
      /has no option "maxHeap": did you mean maxHeapMb/,
    ],
  ];
  for (const [module, options, text] of refused) {
    assert.throws(
      () => new WorkerPool(module as URL, options as WorkerPoolOptions),
      (error: Error) =>
        error instanceof InvalidOptionError && text.test(error.message),
      String(text),
    );
  }
});

Deno.test("a permission that is missing is named, and nothing else suffers", async () => {
  const script = `
    import { offload } from "src/pool/worker/offload.ts";
    for (const isolate of ["thread", "process"]) {
      await using one = offload(() => 1, { isolate });
      await one().catch(({ failure, message }) =>
        console.log(isolate, failure, message.match(/--allow-\\w+/)?.[0])
      );
    }`;
  assert.equal(
    await runScript(script, "--quiet", "--no-check"),
    "thread not_started --allow-read\nprocess not_started --allow-run\n",
  );
});

Deno.test("a process that forgets to close its workers ends all the same", async () => {
  const script = `
    import { offload } from "src/pool/worker/offload.ts";
    for (const isolate of ["thread", "process"]) {
      const one = offload(() => 1, { isolate });
      console.log(await one());
    }`;
  assert.equal(
    await runScript(script, "--quiet", "--no-check", "-A"),
    "1\n1\n",
  );
});

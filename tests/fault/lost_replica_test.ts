import assert from "node:assert/strict";
import type { JsonObject, McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { CAPABILITIES_KEY, modernCall, modernPost } from "../transport/wire.ts";
import { taskReplica } from "./fixtures/task_tools.ts";

const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

/** A replica that can be killed, halted and ended as only a process can. */
class ReplicaProcess implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#read = this.#readAll();
  }

  static async start(redis: string, leaseMs: number): Promise<ReplicaProcess> {
    const script = new URL("./fixtures/task_replica.ts", import.meta.url);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", script.pathname],
        ...[redis, String(leaseMs), "process"],
      ],
      stdout: "piped",
    }).spawn();
    const replica = new ReplicaProcess(child);
    await eventually(() => replica.lines.length > 0, 60_000);
    return replica;
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk)).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
  }

  /** Begins a task there, once the replica reaches Redis. */
  async begin(name: string): Promise<string> {
    let taskId: unknown;
    await eventually(async () => {
      const response = await fetch(
        this.lines[0],
        modernPost(
          modernCall("tools/call", {
            name,
            _meta: { [CAPABILITIES_KEY]: TASKS },
          }),
        ),
      );
      const { result } = await response.json();
      taskId = result?.taskId;
      return taskId !== undefined;
    }, 30_000);
    return taskId as string;
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<void> {
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#read;
  }
}

/** Runs a test with a replica in a process of its own, and one in this. */
function withBoth(
  name: string,
  leaseMs: number,
  run: (parts: {
    process: ReplicaProcess;
    here: McpServer;
    redis: TestRedis;
    lines: string[];
  }) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      await using process = await ReplicaProcess.start(redis.url, leaseMs);
      const lines: string[] = [];
      const here = taskReplica(
        "this one",
        redis.url,
        leaseMs,
        (line) => lines.push(line),
      );
      await here.call("server/discover");
      await eventually(async () =>
        (await here.health.run()).checks.redis?.status === "healthy"
      );
      await run({ process, here, redis, lines });
      await here.close();
    },
  });
}

/** The task as this replica has it, once it is in a state. */
async function is(
  here: McpServer,
  taskId: string,
  status: string,
): Promise<JsonObject> {
  let task: JsonObject = {};
  await eventually(async () => {
    task = await here.call("tasks/get", { taskId }, { capabilities: TASKS })
      .catch(() => ({}));
    return task.status === status;
  }, 30_000);
  return task;
}

function textOf(task: JsonObject): string {
  return (task.result as { content: { text: string }[] }).content[0].text;
}

withBoth(
  "the tasks of a process that is killed fail, or are run again here",
  1_000,
  async ({ process, here, lines }) => {
    const again = await process.begin("again");
    const once = await process.begin("once");
    await eventually(() => process.lines.length === 3);
    process.signal("SIGKILL");
    const failed = await is(here, once, "failed");
    assert.equal(failed.statusMessage, "the replica that ran it is gone");
    assert.equal(textOf(await is(here, again, "completed")), "by this one");
    assert.deepEqual(lines, ["begun"]);
  },
);

withBoth(
  "a process that is halted for longer than its lease changes nothing when it goes on",
  1_000,
  async ({ process, here }) => {
    const again = await process.begin("again");
    const once = await process.begin("once");
    await eventually(() => process.lines.length === 3);
    process.signal("SIGSTOP");
    await is(here, once, "failed");
    assert.equal(textOf(await is(here, again, "completed")), "by this one");
    process.signal("SIGCONT");
    await eventually(() =>
      process.lines.filter((line) => line === "stopped").length === 2
    );
    assert.equal((await is(here, once, "failed")).result, undefined);
    assert.equal(textOf(await is(here, again, "completed")), "by this one");
  },
);

withBoth(
  "a process that is asked to end hands its restartable tasks over at once",
  // Nobody waits for a lease that long.
  600_000,
  async ({ process, here }) => {
    const again = await process.begin("again");
    const once = await process.begin("once");
    await eventually(() => process.lines.length === 3);
    process.signal("SIGTERM");
    await process.ended();
    assert.deepEqual(process.lines.slice(3), ["stopped", "stopped"]);
    const task = await is(here, once, "cancelled");
    assert.equal(task.statusMessage, "the server is shutting down");
    assert.equal(textOf(await is(here, again, "completed")), "by this one");
  },
);

withBoth(
  "Redis that stands still for seconds costs no task that has a longer lease",
  30_000,
  async ({ process, here, redis }) => {
    const once = await process.begin("once");
    await eventually(() => process.lines.length === 2);
    redis.pause();
    // The work ends meanwhile; its result waits.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    redis.resume();
    assert.equal(textOf(await is(here, once, "completed")), "by process");
  },
);

withBoth(
  "with a Redis that comes back empty, earlier tasks are unknown, and new ones work",
  30_000,
  async ({ process, redis, here }) => {
    const once = await process.begin("once");
    await eventually(() => process.lines.length === 2);
    await redis.kill();
    await redis.restart();
    await eventually(async () =>
      await here.call("tasks/get", { taskId: once }, { capabilities: TASKS })
        .then(() => false, ({ code }) => code === -32602)
    );
    const next = await process.begin("once");
    assert.equal(textOf(await is(here, next, "completed")), "by process");
  },
);

import type { RedisSpace } from "../../cluster/shared_redis.ts";
import { RedisScript } from "../../redis/redis_script.ts";
import type { StoredTask } from "./stored_task.ts";
import { isFinal, type Task } from "./task.ts";
import type { ClaimedTask, TaskLease, TaskLeases } from "./task_leases.ts";

/** Milliseconds since the epoch by Redis's clock, the one that all replicas share. */
const NOW = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/*
 * A task is a hash. "task" is its state, "stored" the rest that is kept of it, "v" the version of all this. While
 * it is unfinished it has a lease: "until" is its end, "owner" who has it ("" once
 * given up), "term" how often it has changed hands, "attempt" how often it was begun.
 */

const begin = new RedisScript(`${NOW}
redis.call("HSET", KEYS[1], "v", "1", "task", ARGV[1], "stored", ARGV[2],
  "owner", ARGV[3], "until", now + ARGV[4], "term", "1", "attempt", "1")
if ARGV[5] then redis.call("PEXPIRE", KEYS[1], ARGV[5]) end`);

const renew = new RedisScript(`${NOW}
local held = redis.call("HMGET", KEYS[1], "term", "until")
if held[1] ~= ARGV[1] or not held[2] then return 0 end
redis.call("HSET", KEYS[1], "until", now + ARGV[2])
return 1`);

const update = new RedisScript(`
local held = redis.call("HMGET", KEYS[1], "term", "until", "task")
if held[1] ~= ARGV[1] then return 0 end
if not held[2] then return held[3] == ARGV[2] and 1 or 0 end
redis.call("HSET", KEYS[1], "task", ARGV[2])
if ARGV[3] == "final" then redis.call("HDEL", KEYS[1], "until", "owner") end
return 1`);

const finish = new RedisScript(`
if not redis.call("HGET", KEYS[1], "until") then return 0 end
redis.call("HSET", KEYS[1], "task", ARGV[1])
redis.call("HDEL", KEYS[1], "until", "owner")
redis.call("HINCRBY", KEYS[1], "term", 1)
return 1`);

const release = new RedisScript(`
local held = redis.call("HMGET", KEYS[1], "term", "until")
if held[1] ~= ARGV[1] or not held[2] then return 0 end
redis.call("HINCRBY", KEYS[1], "term", 1)
redis.call("HSET", KEYS[1], "until", 0, "owner", "")
return 1`);

/**
 * Answers with the end of a lease that others may not have yet, or with the task.
 * What another release keeps is for that to take over.
 */
const claim = new RedisScript(`${NOW}
local held = redis.call("HMGET", KEYS[1], "until", "owner", "v")
if held[3] and held[3] ~= "1" then return tostring(now + ARGV[2]) end
if not held[1] then return false end
if tonumber(held[1]) > now then return held[1] end
if held[2] ~= "" then redis.call("HINCRBY", KEYS[1], "attempt", 1) end
redis.call("HINCRBY", KEYS[1], "term", 1)
redis.call("HSET", KEYS[1], "owner", ARGV[1], "until", now + ARGV[2])
local kept = redis.call("HMGET", KEYS[1], "task", "stored", "term", "attempt")
kept[5] = redis.call("PTTL", KEYS[1])
return kept`);

/** Adds a task to those that are looked at once a time is over. */
const note = new RedisScript(`${NOW}
return redis.call("ZADD", KEYS[1], now + ARGV[1], ARGV[2])`);

const due = new RedisScript(`${NOW}
return redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", now, "LIMIT", 0, ARGV[1])`);

/** Leases of tasks in the Redis that replicas share. */
export class RedisTaskLeases implements TaskLeases {
  readonly version = 1;
  readonly #prefix: string;
  readonly #send: (command: string[]) => Promise<unknown>;

  constructor(redis: RedisSpace) {
    this.#prefix = redis.prefix;
    this.#send = (command) => redis.send(command);
  }

  async begin(
    stored: StoredTask,
    owner: string,
    leaseMs: number,
  ): Promise<TaskLease> {
    const { taskId } = stored.task;
    // Noted first: a task that nobody looks for would never end.
    await note.run(this.#send, this.#noted, [String(leaseMs), taskId]);
    const { task, rest, ttlMs } = partsOf(stored);
    await begin.run(this.#send, this.#key(taskId), [
      ...[task, rest, owner, String(leaseMs), ...ttlMs],
    ]);
    return { taskId, term: 1 };
  }

  async renew({ taskId, term }: TaskLease, leaseMs: number): Promise<boolean> {
    return await this.#run(renew, taskId, String(term), String(leaseMs));
  }

  async update({ taskId, term }: TaskLease, task: Task): Promise<boolean> {
    const final = isFinal(task.status);
    const updated = await this.#run(
      update,
      taskId,
      ...[String(term), JSON.stringify(task), final ? "final" : ""],
    );
    if (final && updated) this.#forget(taskId);
    return updated;
  }

  async end(task: Task): Promise<boolean> {
    const ended = await this.#run(finish, task.taskId, JSON.stringify(task));
    if (ended) this.#forget(task.taskId);
    return ended;
  }

  async release({ taskId, term }: TaskLease): Promise<void> {
    if (!await this.#run(release, taskId, String(term))) return;
    await note.run(this.#send, this.#noted, ["0", taskId]);
  }

  async claim(
    owner: string,
    leaseMs: number,
    max: number,
  ): Promise<ClaimedTask[]> {
    for (;;) {
      const found = await due.run(this.#send, this.#noted, [
        String(max),
      ]) as string[];
      const looked = await Promise.all(
        found.map((taskId) => this.#claim(taskId, owner, leaseMs)),
      );
      const claimed = looked.filter((each) => each !== undefined);
      // Orphans may be behind any number of tasks that were renewed.
      if (claimed.length > 0 || found.length < max) return claimed;
    }
  }

  async #claim(
    taskId: string,
    owner: string,
    leaseMs: number,
  ): Promise<ClaimedTask | undefined> {
    const kept = await claim.run(this.#send, this.#key(taskId), [
      ...[owner, String(leaseMs)],
    ]) as null | string | [string, string, string, string, number];
    if (kept === null) return void this.#forget(taskId);
    if (typeof kept === "string") {
      // It was renewed since: this is when to look again.
      await this.#send(["ZADD", this.#noted, "XX", kept, taskId]);
      return undefined;
    }
    await note.run(this.#send, this.#noted, [String(leaseMs), taskId]);
    const [task, rest, term, attempt, left] = kept;
    return {
      stored: storedOf(task, rest),
      lease: { taskId, term: Number(term) },
      attempt: Number(attempt),
      leftMs: left < 0 ? null : left,
    };
  }

  async owner(taskId: string): Promise<string | undefined> {
    const owner = await this.#send(["HGET", this.#key(taskId), "owner"]);
    return owner === null || owner === "" ? undefined : owner as string;
  }

  async #run(
    script: RedisScript,
    taskId: string,
    ...args: string[]
  ): Promise<boolean> {
    return await script.run(this.#send, this.#key(taskId), args) === 1;
  }

  /** Whoever finds it noted, though it has ended, does the same. */
  #forget(taskId: string): void {
    this.#send(["ZREM", this.#noted, taskId]).catch(() => {});
  }

  #key(taskId: string): string {
    return taskKey(this.#prefix, taskId);
  }

  /** The unfinished tasks, by when to look if their leases have run out. */
  get #noted(): string {
    return `${this.#prefix}tasks`;
  }
}

/** Key of a task, whose hash tag keeps all of a task's keys in one slot. */
export function taskKey(prefix: string, taskId: string): string {
  return `${prefix}task:{${taskId}}`;
}

/** A task as its hash has it: its state, the rest, and how long it is kept. */
export function partsOf(
  { task, ...rest }: StoredTask,
): { task: string; rest: string; ttlMs: string[] } {
  return {
    task: JSON.stringify(task),
    rest: JSON.stringify(rest),
    ttlMs: task.ttlMs === null ? [] : [String(task.ttlMs)],
  };
}

/** A task of what its hash has. */
export function storedOf(task: string, rest: string): StoredTask {
  return { ...JSON.parse(rest), task: JSON.parse(task) };
}

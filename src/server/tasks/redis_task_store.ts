import { UnavailableError } from "../../base/errors.ts";
import type { RedisSpace } from "../../cluster/shared_redis.ts";
import { RedisScript } from "../../redis/redis_script.ts";
import {
  partsOf,
  RedisTaskLeases,
  storedOf,
  taskKey,
} from "./redis_task_leases.ts";
import type { StoredTask } from "./stored_task.ts";
import type { Task } from "./task.ts";
import type { TaskStore } from "./task_store.ts";

const create = new RedisScript(`
redis.call("HSET", KEYS[1], "v", "1", "task", ARGV[1], "stored", ARGV[2])
if ARGV[3] then redis.call("PEXPIRE", KEYS[1], ARGV[3]) end`);

const replace = new RedisScript(`
if redis.call("EXISTS", KEYS[1]) == 0 then return end
redis.call("HSET", KEYS[1], "task", ARGV[1])`);

/** Keeps tasks in the Redis that replicas share, a hash each. */
export class RedisTaskStore implements TaskStore {
  readonly leases: RedisTaskLeases;
  readonly #prefix: string;
  readonly #send: (command: string[]) => Promise<unknown>;

  constructor(redis: RedisSpace) {
    this.leases = new RedisTaskLeases(redis);
    this.#prefix = redis.prefix;
    this.#send = (command) => redis.send(command);
  }

  async create(stored: StoredTask): Promise<void> {
    const { task, rest, ttlMs } = partsOf(stored);
    await create.run(this.#send, this.#key(stored.task.taskId), [
      ...[task, rest, ...ttlMs],
    ]);
  }

  async get(taskId: string): Promise<StoredTask | undefined> {
    const command = ["HMGET", this.#key(taskId), "v", "task", "stored"];
    const [v, task, rest] = await this.#send(command) as (string | null)[];
    if (v === null) return undefined;
    if (v === "1") return storedOf(task!, rest!);
    throw new UnavailableError("the task", "it is of another release");
  }

  async update(task: Task): Promise<void> {
    await replace.run(this.#send, this.#key(task.taskId), [
      JSON.stringify(task),
    ]);
  }

  async delete(taskId: string): Promise<void> {
    await this.#send(["DEL", this.#key(taskId)]);
  }

  #key(taskId: string): string {
    return taskKey(this.#prefix, taskId);
  }
}

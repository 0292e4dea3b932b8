import { UnavailableError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { RedisCommands } from "../redis/redis_commands.ts";
import { RedisSubscriber } from "../redis/redis_subscriber.ts";
import type { RedisOpener } from "../redis/redis_port.ts";
import type { Bus, BusListener } from "./bus.ts";

/**
 * Publishes ARGV[2] on the channel ARGV[1], provided that this is the primary: one
 * that is no more would publish to those alone who listen at it, and let nobody
 * know. KEYS[1] is nothing's name; of a cluster's nodes the one that has its slot
 * publishes everything, so that it stays in order; for that order's sake it is sent
 * whole each time, and not by a hash that Redis may have forgotten.
 */
const PUBLISH = `
local tried = redis.pcall("DEL", KEYS[1])
if type(tried) == "table" and string.find(tried.err, "READONLY") then
  return redis.error_reply("READONLY this Redis is not the primary")
end
return redis.call("PUBLISH", ARGV[1], ARGV[2])`;

/** Options of a {@linkcode RedisBus}. */
export interface RedisBusOptions {
  readonly commands: RedisCommands;
  /** Opens the connection that hears. */
  readonly open: RedisOpener;
  /** Goes before the name of every channel. */
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Carries messages by Redis's publish/subscribe: one channel for all, and one for
 * each member.
 */
export class RedisBus implements Bus {
  readonly member: string = crypto.randomUUID();
  readonly #commands: RedisCommands;
  readonly #prefix: string;
  readonly #subscriber: RedisSubscriber;
  #listener: BusListener | undefined;
  #closed = false;

  constructor({ prefix, commands, ...options }: RedisBusOptions) {
    this.#commands = commands;
    this.#prefix = prefix;
    const inbox = `${prefix}beat:${this.member}`;
    this.#subscriber = new RedisSubscriber({
      ...options,
      channels: [`${prefix}all`, this.#channelOf(this.member)],
      inbox,
      beat: (heartbeat) => this.#publish(inbox, heartbeat).catch(() => {}),
      onMessage: (_channel, message) => this.#hear(message),
      onGap: () => this.#listener?.gap(),
    });
  }

  get connected(): boolean {
    return this.#subscriber.provenAt > -Infinity;
  }

  listen(listener: BusListener): void {
    this.#listener = listener;
  }

  ready(): Promise<void> {
    return this.#subscriber.ready;
  }

  async broadcast(text: string): Promise<void> {
    await this.#say(`${this.#prefix}all`, text);
  }

  async send(member: string, text: string): Promise<boolean> {
    return Number(await this.#say(this.#channelOf(member), text)) > 0;
  }

  #say(channel: string, text: string): Promise<unknown> {
    return this.#closed
      ? Promise.reject(new UnavailableError("the bus", "it is closed"))
      : this.#publish(channel, `${this.member} ${text}`);
  }

  #publish(channel: string, message: string): Promise<unknown> {
    const key = `${this.#prefix}bus`;
    return this.#commands.send(["EVAL", PUBLISH, "1", key, channel, message]);
  }

  #hear(message: string): void {
    const end = message.indexOf(" ");
    const from = message.slice(0, end);
    // What this member says to all comes back to it.
    if (from === this.member) return;
    this.#listener?.message(message.slice(end + 1), from);
  }

  #channelOf(member: string): string {
    return `${this.#prefix}to:${member}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#subscriber.close();
    return Promise.resolve();
  }
}

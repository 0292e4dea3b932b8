import type { Buffer } from "node:buffer";
import { duplicateIoRedis, type IoRedisClient } from "./io_redis.ts";
import {
  bytesReply,
  duplicateNodeRedis,
  type NodeRedisClient,
  toBuffers,
} from "./node_redis.ts";
import {
  closeQuietly,
  type RedisArgument,
  type RedisOpener,
  type RedisPort,
} from "./redis_port.ts";

/** Part that is used of a cluster client of `npm:redis`, version 5 or later. */
export interface NodeRedisCluster {
  /** Never read: by it this client is told from others. */
  readonly nodeByAddress: unknown;
  /** The nodes that take changes. */
  readonly masters: readonly unknown[];
  /** The client of one node. */
  // deno-lint-ignore no-explicit-any
  nodeClient(node: any): unknown;
  /** Sends one command to the node that has the key. */
  sendCommand(
    key: string | Buffer | undefined,
    isReadonly: boolean,
    args: (string | Buffer)[],
    options?: Record<never, never>,
  ): Promise<unknown>;
  /** Ends its connections at once. */
  destroy(): void;
}

/** Part that is used of a `Cluster` of `npm:ioredis`, version 5 or later. */
export interface IoRedisCluster extends IoRedisClient {
  readonly isCluster: true;
  /** The clients of the nodes. */
  nodes(role: "master"): unknown[];
}

/** Puts a cluster client of `npm:redis` behind the {@linkcode RedisPort}. */
export function nodeRedisClusterPort(cluster: NodeRedisCluster): RedisPort {
  const send = (args: readonly RedisArgument[], options?: object) => {
    const sent = [...toBuffers(args)];
    return cluster.sendCommand(keyOf(sent), false, sent, options);
  };
  return {
    command: (args) => send(args),
    commandBytes: (args) => send(args, bytesReply()),
    subscribe: () => Promise.reject(new Error("a node is subscribed to")),
    onLost() {},
    close: () => closeQuietly(() => cluster.destroy()),
  };
}

/** The first key of a command: of those that are sent, scripts alone have it elsewhere. */
function keyOf([name, ...args]: (string | Buffer)[]): string | Buffer {
  return args[name === "EVAL" || name === "EVALSHA" ? 2 : 0];
}

/** Opens connections to one node or another: each hears what is published at any. */
export function nodeOfNodeRedis(cluster: NodeRedisCluster): RedisOpener {
  return async (signal) => {
    const node = await cluster.nodeClient(anyOf(cluster.masters));
    return await duplicateNodeRedis(node as NodeRedisClient)(signal);
  };
}

/** The same by `npm:ioredis`. */
export function nodeOfIoRedis(cluster: IoRedisCluster): RedisOpener {
  return (signal) => {
    const node = anyOf(cluster.nodes("master"));
    return duplicateIoRedis(node as IoRedisClient)(signal);
  };
}

/** @throws {Error} if none is known yet */
function anyOf<T>(nodes: readonly T[]): T {
  if (nodes.length === 0) throw new Error("no node of the cluster is known");
  return nodes[Math.floor(Math.random() * nodes.length)];
}

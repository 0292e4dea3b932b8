import { eventually } from "./eventually.ts";
import { TestRedis } from "./redis.ts";

const NODES = 3;

/** A Redis Cluster of the test's own: three nodes that share the keys. */
export class TestRedisCluster implements AsyncDisposable {
  readonly nodes: readonly TestRedis[];

  private constructor(nodes: readonly TestRedis[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<TestRedisCluster> {
    const nodes = await Promise.all(
      Array.from(
        { length: NODES },
        () => TestRedis.start("--cluster-enabled", "yes"),
      ),
    );
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    await nodes[0].command(
      "--cluster",
      "create",
      ...addresses,
      "--cluster-yes",
    );
    for (const node of nodes) {
      await eventually(async () =>
        (await node.command("CLUSTER", "INFO")).includes("cluster_state:ok")
      );
    }
    return new TestRedisCluster(nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}

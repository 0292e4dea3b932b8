import assert from "node:assert/strict";
import { textOf } from "../support/clients.ts";
import { overEveryLeg } from "../support/legs.ts";
import { makeIdempotentServer } from "./fixtures/idempotent_server.ts";

const META = "io.sluice/idempotency-key";

overEveryLeg("a call is repeated with its key, and runs once", {
  make: makeIdempotentServer,
  script: new URL("./fixtures/idempotent_server.ts", import.meta.url),
}, async (connect) => {
  const client = await connect();
  const order = async (key?: string) =>
    textOf(
      await client.tool("order", {}, { _meta: key ? { [META]: key } : {} }),
    );
  assert.equal(await order("k"), "order 1");
  assert.equal(await order("k"), "order 1");
  assert.equal(await order(), "order 2");
  assert.equal(await order("l"), "order 3");
  const { tools } = await client.ask("tools/list");
  assert.deepEqual(tools[0]._meta, { [META]: { ttlMs: 60_000 } });
});

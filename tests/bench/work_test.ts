import assert from "node:assert/strict";
import { faultOf, workTools } from "../../bench/work/contract.ts";
import { Visitor, type WorkMode } from "../../bench/work/visit.ts";
import {
  buildWorkServer,
  isBuilt,
  type WorkServer,
  workServers,
} from "../../bench/work/work_servers.ts";
import { WorkWorld } from "../../bench/work/work_world.ts";
import { ignoreWithoutRedis } from "../support/redis.ts";

const [search, cart, checkout] = workTools;
const orderId = { order_id: "ORD-1", rate_limit_count: 3 };

Deno.test("the contract: a right answer has no fault, whatever the order of its fields", () => {
  for (const tool of workTools) {
    const answer = {
      server_type: "test",
      ...(tool === checkout ? orderId : {}),
      ...tool.expected(42),
    };
    const fault = faultOf(tool, tool.expected(42), JSON.stringify(answer));
    assert.equal(fault, undefined);
  }
});

Deno.test("the contract: a wrong answer is told by its field", () => {
  const fault = (tool: typeof search, change: Record<string, unknown>) =>
    faultOf(
      tool,
      tool.expected(42),
      JSON.stringify({
        server_type: "test",
        ...(tool === checkout ? orderId : {}),
        ...tool.expected(42),
        ...change,
      }),
    );
  const user = cart.expected(41);
  assert.match(fault(search, { total_found: 2_250 })!, /\/total_found is 2250/);
  assert.match(fault(search, { products: [] })!, /\/products\/0 is undefined/);
  assert.match(fault(search, { more: 1 })!, /\/more is too much/);
  assert.match(fault(search, { server_type: "" })!, /server_type is $/);
  assert.match(fault(cart, { cart: user.cart })!, /\/cart\/items\/0/);
  assert.match(
    fault(cart, { recent_history: ["order-42-1"] })!,
    /\/recent_history\/1 is undefined/,
  );
  assert.match(fault(checkout, { rate_limit_count: 0 })!, /rate_limit_count/);
  assert.match(fault(checkout, { status: "open" })!, /\/status is "open"/);
  assert.match(faultOf(cart, user, undefined)!, /without a text/);
});

/** Two visits in each mode: what a session leaves behind must not spoil the next. */
async function meetsContract(server: WorkServer): Promise<void> {
  await buildWorkServer(server);
  await using world = await WorkWorld.start();
  for (const mode of server.modes) {
    await using process = await world.serve(server, mode);
    assert.deepEqual(await visitTwice(process.port, mode), {
      counted: mode === "modern" ? 8 : 14,
      faults: [],
    });
  }
}

async function visitTwice(port: number, mode: WorkMode) {
  let counted = 0;
  const faults: string[] = [];
  using visitor = new Visitor(port, 42, mode, {
    counted: () => counted++,
    failed: (why) => faults.push(why),
  });
  await visitor.visit();
  await visitor.visit();
  return { counted, faults };
}

/** Peers only where `deno task bench:work --build` has built them. */
for (const [id, server] of Object.entries(workServers)) {
  Deno.test({
    name: `the contract: ${server.label} meets it in every mode`,
    ignore: ignoreWithoutRedis || !isBuilt(id),
    fn: () => meetsContract(server),
  });
}

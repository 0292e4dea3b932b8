import assert from "node:assert/strict";
import { AllWorkers } from "../../../src/admin/workers/all_workers.ts";

Deno.test("a worker that starts for the first time is not said to start again", async () => {
  const all = new AllWorkers(
    [0, 2].map((restarts, index) => ({
      worker: { name: String(index), pid: undefined, restarts },
      snapshot: {} as never,
    })),
    { info: { name: "crew", version: "1.0.0" }, options: {} as never },
    {} as never,
  );
  const { status, checks } = await all.health.run();
  assert.equal(status, "unhealthy");
  assert.equal(checks.worker_0.message, "it is starting");
  assert.equal(checks.worker_1.message, "it is started again");
});

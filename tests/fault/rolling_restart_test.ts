import assert from "node:assert/strict";
import { HAS_NGINX } from "../support/nginx.ts";
import { ALL_RETRIES, rollingRestart } from "./rolling_restart.ts";

for (const drainMs of [0, 1_000]) {
  Deno.test({
    name: `a rolling restart behind a front that retries loses nothing, ` +
      `with ${drainMs} ms to drain`,
    ignore: !HAS_NGINX,
    fn: async () => {
      const { byStatus, requests } = await rollingRestart(
        ALL_RETRIES,
        drainMs,
        2,
      );
      assert.deepEqual(byStatus, { 200: requests });
      assert.ok(requests >= 2_000);
    },
  });
}

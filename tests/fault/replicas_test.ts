import assert from "node:assert/strict";
import { HAS_NGINX } from "../support/nginx.ts";
import { ignoreWithoutRedis } from "../support/redis.ts";
import { Fleet } from "./fleet.ts";
import { killing, rolling, runWhile } from "./replicas.ts";

/**
 * What clients may be told of a call whose replica has gone. Where four replicas
 * share a core or two, Redis may be late for one, too, which then refuses: also an
 * answer to a question, which official clients don't give again.
 */
const CLEAR =
  /^(HTTP 50[234]|unavailable|store_unavailable|connection|answer not taken, and said so$)/;
/** Likewise of one that was killed, maybe in the middle of a stream. */
const CUT = new RegExp(`${CLEAR.source}|^stream cut$`);

Deno.test({
  name:
    "four replicas: who is killed takes nothing with it but the calls it was serving",
  ignore: ignoreWithoutRedis || !HAS_NGINX,
  fn: async () => {
    await using fleet = await Fleet.start();
    const report = await runWhile(fleet, killing(fleet, 1_500, 1_000), 3);
    assert.deepEqual(report.wrong, []);
    assert.deepEqual(report.misheard, []);
    assert.equal(report.miscounted, 0);
    assert.ok(report.right > 1_000, String(report.right));
    for (const why of Object.keys(report.failed)) assert.match(why, CUT);
  },
});

Deno.test({
  name:
    "four replicas: a rolling restart keeps every session, and every change is heard",
  ignore: ignoreWithoutRedis || !HAS_NGINX,
  fn: async () => {
    await using fleet = await Fleet.start();
    const report = await runWhile(fleet, rolling(fleet), 2);
    assert.deepEqual(report.wrong, []);
    assert.deepEqual(report.misheard, []);
    assert.equal(report.miscounted, 0);
    for (const why of Object.keys(report.failed)) assert.match(why, CLEAR);
  },
});

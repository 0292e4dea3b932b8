import assert from "node:assert/strict";
import {
  circles,
  doorFaults,
  type Doors,
  floorFaults,
  type Floors,
  longFiles,
  readHouse,
  twinNames,
  unusedDoors,
} from "./house.ts";

/** What each floor may import, from the ground up. */
const FLOORS: Floors = {
  base: [],
  protocol: ["base"],
  observe: ["base"],
  redis: ["base", "observe"],
  limit: ["base", "observe", "redis"],
  cache: ["base", "observe", "redis", "limit"],
  pool: ["base", "observe", "limit"],
  batch: ["base", "observe"],
  server: ["base", "protocol", "observe", "limit", "cache"],
  transport: ["base", "protocol", "server"],
  admin: ["base", "observe", "server", "transport"],
  host: ["base", "protocol", "observe", "server", "transport", "admin"],
};

/** The files that may be imported from outside of a room. A folder without a row is open. */
const DOORS: Doors = {
  protocol: [
    "errors.ts",
    "header_value.ts",
    "json_schema.ts",
    "jsonrpc.ts",
    "param_headers.ts",
    "payload.ts",
    "revision.ts",
    "schema.ts",
    "standard_schema.ts",
    "types.ts",
    "uri_template.ts",
  ],
  batch: ["batch_options.ts", "batcher.ts", "batcher_stats.ts", "batchers.ts"],
};

const MAX_LINES = 400;

const house = await readHouse(
  new URL("../../src/", import.meta.url),
  ["../mod.ts", "../main.ts"],
);

function hold(faults: string[]): void {
  assert.equal(faults.length, 0, "\n" + faults.join("\n"));
}

Deno.test("the house: imports go down the floors", () => {
  hold(floorFaults(house, FLOORS));
});

Deno.test("the house: no file imports itself by way of others", () => {
  hold(circles(house));
});

Deno.test("the house: rooms are entered by their doors", () => {
  hold(doorFaults(house, DOORS));
  hold(unusedDoors(house, DOORS));
});

Deno.test("the house: no file is too long", () => {
  hold(longFiles(house, MAX_LINES));
});

Deno.test("the house: every file has a name of its own", () => {
  hold(twinNames(house));
});

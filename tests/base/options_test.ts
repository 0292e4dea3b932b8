import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import {
  checkDurationMs,
  checkInteger,
  checkLimit,
  checkTimeoutMs,
} from "../../src/base/options.ts";

Deno.test("a refused option is named and quoted, with what would be taken", () => {
  for (const value of [NaN, -1, 0, 1.5, Infinity, 2 ** 53]) {
    assert.throws(
      () => checkInteger("max", value, 1),
      (error: Error) =>
        error instanceof InvalidOptionError &&
        error.code === "SLUICE_INVALID_OPTION" &&
        error.message ===
          `max must be a whole number of at least 1, got ${value}`,
    );
  }
  assert.throws(
    () => checkInteger("port", 70_000, 0, 65_535),
    /port must be a whole number from 0 to 65535, got 70000/,
  );
  assert.throws(
    () => checkInteger("max", "5" as never, 1),
    /got "5"/,
  );
});

Deno.test("limits and time-outs take Infinity, durations take fractions", () => {
  assert.equal(checkLimit("max", Infinity, 1), Infinity);
  assert.equal(checkDurationMs("ttlMs", 0.5), 0.5);
  assert.throws(() => checkDurationMs("ttlMs", Infinity), /ttlMs/);
  assert.equal(checkTimeoutMs("timeoutMs", Infinity, 1), Infinity);
  assert.equal(checkTimeoutMs("timeoutMs", 0), 0);
  assert.throws(
    () => checkTimeoutMs("timeoutMs", 0, 1),
    /timeoutMs must be a number of milliseconds of at least 1, got 0/,
  );
  assert.throws(() => checkDurationMs("ttlMs", -1), /got -1/);
});

import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import { Pool } from "../../src/pool/pool.ts";
import type { PoolOptions } from "../../src/pool/pool_options.ts";

const refused: [Partial<PoolOptions<number>>, RegExp][] = [
  [{ max: 0 }, /max must be a whole number of at least 1, got 0/],
  [{ max: -1 }, /max .* got -1/],
  [{ max: NaN }, /max .* got NaN/],
  [{ max: Infinity }, /max .* got Infinity/],
  [{ max: 1.5 }, /max .* got 1.5/],
  [{ min: -1 }, /min .* got -1/],
  [{ min: 5, max: 4 }, /min must not exceed max, got min 5 and max 4/],
  [{ maxUses: 0 }, /maxUses .* got 0/],
  [{ maxIdleMs: 0 }, /maxIdleMs .* got 0/],
  [{ maxIdleMs: NaN }, /maxIdleMs .* got NaN/],
  [{ maxLifetimeMs: -5 }, /maxLifetimeMs .* got -5/],
  [{ acquireTimeoutMs: -1 }, /acquireTimeoutMs .* got -1/],
  [{ createTimeoutMs: Infinity }, /createTimeoutMs .* got Infinity/],
  [{ createTimeoutMs: 2 ** 31 }, /createTimeoutMs must be at most/],
  [{ destroyTimeoutMs: 0 }, /destroyTimeoutMs .* got 0/],
  [{ validateTimeoutMs: 0 }, /validateTimeoutMs .* got 0/],
  [{ maxWaiting: -1 }, /maxWaiting .* got -1/],
  [{ heldWarningMs: 0 }, /heldWarningMs .* got 0/],
  [{ backoffMs: 0 }, /backoffMs .* got 0/],
  [{ backoffMs: 500, maxBackoffMs: 100 }, /maxBackoffMs .*500.* got 100/],
  [{ create: undefined }, /create must be a function, got undefined/],
  [{ destroy: 1 as never }, /destroy must be a function, got number/],
  [{ validate: null as never }, /validate must be a function, got null/],
];

for (const [options, message] of refused) {
  Deno.test(`Pool refuses ${Deno.inspect(options)}`, () => {
    assert.throws(
      () => new Pool({ create: () => 1, ...options }),
      (error: Error) => {
        assert.ok(error instanceof InvalidOptionError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

/**
 * `deno bench -A bench/benchmarking_bench.ts`: the guide's load test (see
 * `examples/benchmarking.ts`), as Deno measures it.
 */
import { TestSession } from "../examples/benchmarking.ts";

const session = await TestSession.open();
for (let i = 0; i < 10; i++) await session.call("warmup");

Deno.bench("one call after another", async () => {
  await session.call("test");
});

Deno.bench("100 concurrent calls", async () => {
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => session.call(`test_${i}`)),
  );
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { Metrics } from "../../mod.ts";
import { promtoolFaults, skipsPrometheus } from "../support/prometheus.ts";

Deno.test("counters, gauges and histograms are written as Prometheus reads them", () => {
  const metrics = new Metrics();
  metrics.counter("orders", { help: "Orders taken." }).inc(3);
  metrics.gauge("queue", { help: "Waiting." }).set(-1.5);
  const sizes = metrics.histogram("sizes", {
    help: "Sizes.",
    buckets: [1, 2.5],
  });
  for (const size of [1, 2, 9]) sizes.observe(size);
  assert.equal(
    metrics.text(),
    `# HELP orders_total Orders taken.
# TYPE orders_total counter
orders_total 3
# HELP queue Waiting.
# TYPE queue gauge
queue -1.5
# HELP sizes Sizes.
# TYPE sizes histogram
sizes_bucket{le="1.0"} 1
sizes_bucket{le="2.5"} 2
sizes_bucket{le="+Inf"} 3
sizes_sum 12
sizes_count 3
`,
  );
});

Deno.test("OpenMetrics names a counter's family without its suffix, and has an end", () => {
  const metrics = new Metrics();
  metrics.counter("orders_total", { help: 'Orders "taken".' }).inc();
  assert.equal(
    metrics.text("openmetrics"),
    `# HELP orders Orders \\"taken\\".
# TYPE orders counter
orders_total 1
# EOF
`,
  );
});

Deno.test("one series for each set of labels, in whatever order they are given", () => {
  const metrics = new Metrics();
  const orders = metrics.counter("orders", {
    help: "Orders.",
    labels: ["shop", "kind"],
  });
  orders.labels({ shop: "a", kind: 1 }).inc();
  orders.labels({ kind: "1", shop: "a" }).inc();
  orders.labels({ shop: "b", kind: 2 }).inc(5);
  assert.deepEqual(metrics.values, {
    'orders{shop="a",kind="1"}': 2,
    'orders{shop="b",kind="2"}': 5,
  });
});

Deno.test("a million label values end in one series", () => {
  const metrics = new Metrics();
  const seen = metrics.counter("seen", {
    help: "Seen.",
    labels: ["who"],
    maxSeries: 10,
  });
  for (let who = 0; who < 1_000_000; who++) seen.labels({ who }).inc();
  const values = metrics.values;
  assert.equal(Object.keys(values).length, 11);
  assert.equal(values['seen{who="other"}'], 999_990);
});

Deno.test("a label's value is bounded, and no two are one in UTF-8", () => {
  const metrics = new Metrics();
  const seen = metrics.counter("seen", { help: "Seen.", labels: ["who"] });
  seen.labels({ who: "\ud800" }).inc();
  seen.labels({ who: "\ud801" }).inc();
  seen.labels({ who: "x".repeat(1_000_000) }).inc();
  assert.deepEqual(metrics.values, {
    'seen{who="\ufffd"}': 2,
    [`seen{who="${"x".repeat(256)}"}`]: 1,
  });
});

Deno.test("a gauge that reads itself is read when somebody asks", () => {
  const metrics = new Metrics();
  let level = 1;
  metrics.gauge("level", { help: "Level.", read: () => level });
  metrics.gauge("broken", {
    help: "Broken.",
    read: () => {
      throw new Error("no");
    },
  });
  level = 7;
  assert.match(metrics.text(), /^level 7$/m);
  assert.match(metrics.text(), /^broken NaN$/m);
});

Deno.test("misuse is refused with what was wrong", () => {
  const metrics = new Metrics();
  const orders = metrics.counter("orders", { help: "", labels: ["kind"] });
  const cases: [() => unknown, RegExp][] = [
    [() => metrics.counter("1x", { help: "" }), /got "1x"/],
    [() => metrics.gauge("a-b", { help: "" }), /got "a-b"/],
    [() => metrics.gauge("mcp_server_x", { help: "" }), /the server's own/],
    [() => metrics.gauge("mcp_server", { help: "" }), /the server's own/],
    [() => metrics.counter("orders_total", { help: "" }), /already/],
    [
      () => metrics.gauge("orders_total", { help: "" }),
      /"orders_total" already/,
    ],
    [() => metrics.gauge("x", { help: "", labels: ["le"] }), /"le"/],
    [() => metrics.gauge("x", { help: "", labels: ["__a"] }), /"__a"/],
    [() => metrics.gauge("x", { help: "", labels: ["a", "a"] }), /differ/],
    [
      () => metrics.gauge("y", { help: "", labels: ["a"], maxSeries: 0 }),
      /y: maxSeries .* got 0/,
    ],
    [
      () => orders.labels({} as { kind: string }),
      /orders has the labels "kind", got none/,
    ],
    [
      () => metrics.counter("c", {} as { help: string }),
      /metric c needs a help text: .* got undefined/,
    ],
    [
      () => metrics.counter("c", undefined as unknown as { help: string }),
      /metric c needs a help text/,
    ],
    [() => orders.labels({ kind: "a" }).inc(-1), /at least 0, got -1/],
    [() => orders.labels({ kind: "a" }).inc(NaN), /at least 0, got NaN/],
    [
      () => metrics.histogram("h", { help: "", buckets: [2, 1] }),
      /ascend, got \[2, 1\]/,
    ],
  ];
  for (const [misuse, message] of cases) {
    assert.throws(misuse, { code: "SLUICE_INVALID_OPTION", message });
  }
});

Deno.test("a histogram leaves no name for others to take", () => {
  const metrics = new Metrics();
  metrics.histogram("took", { help: "" });
  assert.throws(
    () => metrics.gauge("took_count", { help: "" }),
    /"took_count" already/,
  );
});

Deno.test({
  name: "whatever labels and help hold, Prometheus's own tool takes the text",
  ignore: skipsPrometheus,
  fn: async () => {
    const words = fc.sample(fc.string({ unit: "grapheme" }), {
      numRuns: 300,
      seed: 7,
    });
    const metrics = new Metrics();
    const seen = metrics.counter("seen", {
      help: `Seen "so" \\ far,\nin ${words.join(" ")}.`,
      labels: ["word"],
    });
    for (const word of [...words, 'a"b', "a\\b", "a\nb", "\\n"]) {
      seen.labels({ word }).inc();
    }
    metrics.gauge("level", { help: "Level." }).set(Infinity);
    metrics.histogram("took_seconds", { help: "Took.", labels: ["a"] })
      .labels({ a: "{}," }).observe(0.3);
    assert.equal(await promtoolFaults(metrics.text()), "");
  },
});

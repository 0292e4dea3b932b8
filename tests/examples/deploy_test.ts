import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { McpServer, type RefusalReason, RefusedError } from "../../mod.ts";
import { guideServer } from "../../examples/guide/server.ts";
import { eventually } from "../support/eventually.ts";
import { isInstalled } from "../support/installed.ts";
import { skipsPrometheus } from "../support/prometheus.ts";
import { ask } from "../transport/wire.ts";
import { deployPath, deployText, run } from "./deployment.ts";
import { manifests } from "./kubernetes_manifest.ts";

/** A program that is missing may skip a test here, but not where CI runs. */
const isMissing = async (program: string, version?: string) =>
  Deno.env.get("CI") !== "true" && !await isInstalled(program, version);

Deno.test({
  name: "the Caddyfile is valid",
  ignore: await isMissing("caddy", "version"),
  fn: async () => {
    const { success, said } = await run("caddy", [
      ...["validate", "--adapter", "caddyfile"],
      ...["--config", deployPath("Caddyfile")],
    ]);
    assert.ok(success, said);
    assert.match(said, /Valid configuration/);
  },
});

Deno.test({
  name: "systemd has nothing to say about the unit",
  ignore: await isMissing("systemd-analyze"),
  fn: async () => {
    // It looks for what the unit starts, which is elsewhere here.
    const text = await deployText("sluice.service");
    const path = `${await Deno.makeTempDir()}/sluice.service`;
    const here = text.replace("/usr/local/bin/deno", Deno.execPath());
    await Deno.writeTextFile(path, here);
    const { success, said } = await run("systemd-analyze", ["verify", path]);
    assert.ok(success, said);
    assert.equal(said, "");
  },
});

Deno.test("memory is bounded the same way in each deployment, by a flag that V8 has", async () => {
  const flags = await Promise.all(
    ["sluice.service", "Containerfile", "Containerfile.compiled"].map(
      async (file) =>
        (await deployText(file)).match(
          /(?:DENO_V8_FLAGS=|--v8-flags=)(\S+)/,
        )![1],
    ),
  );
  assert.equal(new Set(flags).size, 1);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "0"],
    env: { DENO_V8_FLAGS: flags[0] },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});

Deno.test({
  name: "promtool finds no fault in the rules",
  ignore: skipsPrometheus,
  fn: async () => {
    const path = deployPath("alerts.yaml");
    const { success, said } = await run("promtool", ["check", "rules", path]);
    assert.ok(success, said);
  },
});

/** Names of metrics in an expression: what is no function, label or keyword of PromQL. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, "");
  return [...bare.matchAll(/[a-z_:][\w:]*(?!\w*\s*\()/gi)]
    .map(([name]) => name)
    .filter((name) =>
      !/^(and|or|unless)$/.test(name) && /[_:]|^up$/.test(name)
    );
}

Deno.test("what rules, dashboard and HPA name is in /metrics", async () => {
  const server = guideServer({});
  await using running = await server.serve({ port: 0, signals: false });
  let text = "";
  await eventually(async () => {
    const response = await fetch(new URL("/metrics", running.url));
    text = await response.text();
    return text.includes("event_loop_"); // once it has been watched for a while
  });
  const series = new Set<string>(["up"]);
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    series.add(name);
    if (type !== "histogram") continue;
    for (const part of ["bucket", "sum", "count"]) {
      series.add(`${name}_${part}`);
    }
  }
  const { groups } = parse(await deployText("alerts.yaml"));
  const rules: { record?: string; expr: string }[] = groups.flatMap(
    (group: { rules: unknown[] }) => group.rules,
  );
  const recorded = rules.flatMap(({ record }) => record ?? []);
  const { panels } = JSON.parse(await deployText("grafana.json"));
  const shown: string[] = panels.flatMap(
    (panel: { targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => expr),
  );
  const used = new Set([
    ...rules.flatMap(({ expr }) => metricsIn(expr)),
    ...shown.flatMap(metricsIn),
    ...(await kubernetes())[3].spec.metrics.flatMap((metric) =>
      metric.type === "Pods" ? metric.pods.metric.name : []
    ),
  ]);
  assert.ok(used.size > 25, "the expressions are read");
  const unknown = [...used].filter((name) =>
    !series.has(name) && !recorded.includes(name)
  );
  assert.deepEqual(unknown, []);
});

Deno.test("the alert of refusals sees each reason to refuse, and each status", async () => {
  const refusals: Record<RefusalReason, number> = {
    overloaded: 503,
    draining: 503,
    unavailable: 503,
    rate_limited: 429,
    caller_share: 429,
  };
  const { groups } = parse(await deployText("alerts.yaml"));
  const { expr } = groups[1].rules.find(
    ({ alert }: { alert?: string }) => alert === "SluiceRefuses",
  );
  const [, statuses, reasons] =
    /http_refusals_total\{status=~"(.*?)"\}[^]*operation_errors_total\{error_type=~"(.*?)"\}/
      .exec(expr)!;
  await using server = new McpServer({ name: "refusing", version: "1.0.0" });
  for (const [reason, status] of Object.entries(refusals)) {
    server.registerTool(reason, {}, () => {
      throw new RefusedError(reason as RefusalReason, 1_000);
    });
    const answer = await ask(server, "tools/call", { name: reason });
    assert.equal(answer.status, status);
    assert.ok(statuses.split("|").includes(String(status)));
  }
  const text = server.metrics.text();
  const counted = [...text.matchAll(
    /^mcp_server_operation_errors_total\{.*error_type="(.*?)"\} 1$/gm,
  )].map(([, reason]) => reason);
  assert.deepEqual(counted.sort(), Object.keys(refusals).sort());
  assert.deepEqual(reasons.split("|").sort(), counted);
});

async function kubernetes() {
  const documents = parseAllDocuments(await deployText("kubernetes.yaml"));
  return manifests.parse(documents.map((each) => each.toJS()));
}

Deno.test("the manifests of Kubernetes say what there is, and fit together", async () => {
  const [deployment, service, budget, scaler] = await kubernetes();
  const { template, selector } = deployment.spec;
  const [container] = template.spec.containers;
  const labels = template.metadata.labels;
  assert.deepEqual(selector.matchLabels, labels);
  assert.deepEqual(service.spec.selector, labels);
  assert.deepEqual(budget.spec.selector.matchLabels, labels);
  assert.equal(scaler.spec.scaleTargetRef.name, deployment.metadata.name);
  const ports = container.ports.map(({ name }) => name);
  for (
    const port of [
      service.spec.ports[0].targetPort,
      container.readinessProbe.httpGet.port,
      container.livenessProbe.httpGet.port,
      container.startupProbe.httpGet.port,
    ]
  ) assert.ok(ports.includes(port as string));
});

Deno.test("a misspelt field of a manifest is found", async () => {
  const [deployment, ...others] = structuredClone(await kubernetes());
  const [container] = deployment.spec.template.spec.containers;
  Object.assign(container.readinessProbe, { periodSecond: 2 });
  assert.throws(
    () => manifests.parse([deployment, ...others]),
    /periodSecond/,
  );
});

Deno.test("probes of the manifests find their paths, and the time to end is enough", async () => {
  const [{ spec: { template: { spec } } }] = await kubernetes();
  const [container] = spec.containers;
  await using server = new McpServer({ name: "probed", version: "1.0.0" });
  for (const probe of ["startup", "readiness", "liveness"] as const) {
    const { path } = container[`${probe}Probe`].httpGet;
    const response = await server.fetch(new Request(`http://10.0.0.1${path}`));
    assert.equal(response.status, 200, path);
  }
  const text = await deployText("server.ts");
  const graceMs = Number(
    text.match(/graceMs: ([\d_]+)/)![1].replaceAll("_", ""),
  );
  const drainMs = Number(
    container.env.flatMap((each) =>
      each.name === "DRAIN_MS" && "value" in each ? each.value : []
    )[0],
  );
  const { seconds } = container.lifecycle.preStop.sleep;
  const neededMs = seconds * 1_000 + drainMs + graceMs + 1_000;
  assert.ok(spec.terminationGracePeriodSeconds * 1_000 >= neededMs);
  const unit = await deployText("sluice.service");
  const stopMs = Number(unit.match(/TimeoutStopSec=(\d+)/)![1]) * 1_000;
  const unitDrainMs = Number(unit.match(/DRAIN_MS=(\d+)/)![1]);
  assert.ok(stopMs >= unitDrainMs + graceMs + 1_000);
});

import { Blocks } from "./blocks.js";
import { CallTable } from "./call_table.js";
import { Charts } from "./charts.js";
import { Connection } from "./connection.js";
import { setClass, setText } from "./elements.js";
import * as format from "./format.js";
import { Instruments } from "./instruments.js";
import { badgeOf, Errors, Health, Process, Tiles } from "./overview.js";
import { OwnMetrics } from "./own_metrics.js";

const part = (id) => document.getElementById(id);

const tiles = new Tiles(part("tiles"));
const charts = new Charts(part("charts"));
const tools = new CallTable(part("tools"), "tool", "Tools by cost");
const resources = new CallTable(part("resources"), "resource", "Resources");
const prompts = new CallTable(part("prompts"), "prompt", "Prompts");
const methods = new CallTable(part("methods"), "method", "Methods");
const health = new Health(part("health"));
const errors = new Errors(part("errors"));
const blocks = new Blocks(part("blocks"));
const process = new Process(part("process"));
const ownMetrics = new OwnMetrics(part("own-metrics"));
const instruments = new Instruments(part("instruments"));

/** What was told last: the newest point, all figures, the health. */
let state = { point: null, metrics: null, health: null };
let paused = false;
/** How the connection stands, and how old the figures are, in milliseconds. */
let standing = ["lost", 0];

function show() {
  if (paused || state.metrics === null) return;
  charts.draw();
  tiles.show(state);
  tools.show(state.metrics.tools);
  resources.show(state.metrics.resources);
  prompts.show(state.metrics.prompts);
  methods.show(state.metrics.methods);
  health.show(state.health);
  errors.show(state.metrics);
  blocks.show(state.metrics);
  process.show(state.metrics);
  ownMetrics.show(state.metrics.metrics);
  instruments.show(state.metrics.instruments);
  setText(part("uptime"), format.longDuration(state.metrics.uptime_seconds));
  showHealth(state.health);
}

function showHealth(report) {
  const badge = part("server-health");
  badge.hidden = report === null;
  if (report === null) return;
  setText(badge, format.words(report.status));
  setClass(badge, badgeOf(report.status));
}

function showServer({ name, title, version }) {
  setText(part("server-name"), title ?? name);
  setText(part("server-version"), version);
  document.title = `${title ?? name} · dashboard`;
}

const STANDINGS = {
  live: { words: "live", look: "badge good" },
  paused: { words: "paused", look: "badge" },
  lost: { words: "connection lost, retrying", look: "badge bad" },
  stale: { words: "no figures", look: "badge warn" },
};

/** The age is for the eye alone: read out every second, it would be a nuisance. */
function showStanding() {
  const [name, ageMs] = standing;
  const { words, look } =
    STANDINGS[paused && name === "live" ? "paused" : name];
  const age = name === "stale"
    ? ` for ${format.longDuration(ageMs / 1_000)}`
    : "";
  setText(part("connection"), words + age);
  setText(part("announcement"), words);
  setClass(part("connection"), look);
  document.body.classList.toggle("stale", name !== "live");
}

part("pause").addEventListener("click", () => {
  paused = !paused;
  part("pause").setAttribute("aria-pressed", String(paused));
  setText(part("pause"), paused ? "Resume" : "Pause");
  showStanding();
  show();
});

new Connection("dashboard/events", {
  history(history) {
    charts.begin(history);
    const { points, metrics, health } = history;
    state = { point: points.at(-1) ?? null, metrics, health };
    showServer(history.server);
    show();
  },
  sample(sample) {
    charts.add(sample.point);
    state = sample;
    show();
  },
  state(...now) {
    standing = now;
    showStanding();
  },
});

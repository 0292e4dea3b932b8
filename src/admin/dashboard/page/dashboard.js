import { Blocks } from "./blocks.js";
import { CallTable } from "./call_table.js";
import { Charts } from "./charts.js";
import { Connection } from "./connection.js";
import { setClass, setText } from "./elements.js";
import * as format from "./format.js";
import { badgeOf, Errors, Health, Process, Tiles } from "./overview.js";
import { OwnMetrics } from "./own_metrics.js";
import { Things } from "./things.js";
import { Trouble } from "./trouble.js";

const part = (id) => document.getElementById(id);

const tiles = new Tiles(part("tiles"));
const charts = new Charts(part("charts"));
const trouble = new Trouble(part("trouble"));
const table = (id, what, title) =>
  new CallTable(part(id), what, title, (name) => trouble.of(name));
const tools = table("tools", "tool", "Tools by cost");
const resources = table("resources", "resource", "Resources");
const prompts = table("prompts", "prompt", "Prompts");
const methods = table("methods", "method", "Methods");
const health = new Health(part("health"));
const errors = new Errors(part("errors"));
const blocks = new Blocks(part("blocks"));
const process = new Process(part("process"));
const ownMetrics = new OwnMetrics(part("own-metrics"));
const things = new Things(part("things"));

/** What was told last: the newest point, all figures, the health. */
let state = { point: null, metrics: null, health: null, trouble: [] };
let paused = false;
/** How the connection stands, and how old the figures are, in milliseconds. */
let standing = ["lost", 0];
/** When figures came last, in milliseconds since 1970. */
let heardAt;

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
  things.show(state.metrics.instruments);
  trouble.show(state.trouble);
  setText(part("uptime"), format.longDuration(state.metrics.uptime_seconds));
  showHealth(state.health);
}

/** Of a server that isn't heard of, nobody knows how it is. */
function showHealth(report) {
  const badge = part("server-health");
  badge.hidden = report === null;
  if (report === null) return;
  const status = isHeard() ? report.status : "unknown";
  setText(badge, format.words(status));
  setClass(badge, badgeOf(status));
}

function isHeard() {
  return standing[0] === "live";
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
  document.body.className = isHeard() ? "" : name;
  part("broken").hidden = isHeard();
  setText(part("broken"), isHeard() ? "" : brokenWords(name));
  showHealth(state.health);
}

/** What is the matter, and of when the figures are that still stand there. */
function brokenWords(name) {
  const matter = name === "lost"
    ? "The server can't be reached. Trying again."
    : "The server sends no figures.";
  if (heardAt === undefined) return matter;
  const age = format.longDuration((Date.now() - heardAt) / 1_000);
  return `${matter} What stands here is ${age} old: ` +
    `of ${format.timeOfDay(heardAt)}.`;
}

setInterval(() => isHeard() || showStanding(), 1_000);

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
    const { points, ...rest } = history;
    state = { point: points.at(-1) ?? null, ...rest };
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
    if (isHeard()) heardAt = Date.now();
    showStanding();
  },
});

import * as format from "./format.js";

/**
 * What each kind of part is called, and which of its measures stand in the columns
 * that all parts share. `rest` are those that are said by others.
 */
const KINDS = new Map([
  ["pool", {
    words: "pool",
    busy: "in_use",
    most: "max",
    done: "acquired",
    failed: [
      "create_errors",
      "destroy_errors",
      "rejected",
      "timeouts",
      "held_too_long",
    ],
    state: ({ waiting, in_use, max }) =>
      waiting > 0 && in_use >= max ? EXHAUSTED : undefined,
  }],
  ["worker_pool", {
    words: "workers",
    busy: "busy",
    most: "max",
    done: "calls",
    failed: ["failed", "start_errors", "rejected"],
    state: ({ waiting, busy, max, stuck }) =>
      stuck > 0 ? STUCK : waiting > 0 && busy >= max ? EXHAUSTED : undefined,
  }],
  ["postgres", {
    words: "PostgreSQL",
    done: "commands",
    failed: ["command_errors", "command_timeouts"],
  }],
  ["http_pool", {
    words: "HTTP pool",
    busy: "active",
    done: "calls",
    failed: ["failures"],
  }],
  ["http_origin", {
    words: "origin",
    busy: "active",
    done: "requests",
    failed: ["failures"],
  }],
  ["cache", {
    words: "cache",
    busy: "loading",
    done: ({ hits, misses }) => hits + misses,
    failed: ["load_errors", "lost_changes"],
    said: ["hits", "misses", "incoherent"],
    state: ({ incoherent }) => incoherent > 0 ? INCOHERENT : undefined,
  }],
  ["batcher", {
    words: "batcher",
    busy: "running",
    done: "keys",
    failed: ["failed_keys", "abandoned_batches"],
  }],
  ["limiter", {
    words: "rate limiter",
    done: "allowed",
    failed: ["refused"],
  }],
  ["rate_limit_store", { words: "rate limit store" }],
  ["semaphore", {
    words: "semaphore",
    busy: "active",
    most: "permits",
    done: "acquired",
    failed: ["rejected", "timeouts"],
  }],
  ["circuit", {
    words: "circuit",
    failed: ["refused", "errors", "timeouts"],
    said: ["open", "half_open"],
    state: ({ open, half_open }) =>
      open > 0 ? OPEN : half_open > 0 ? HALF_OPEN : CLOSED,
  }],
  ["function", {
    words: "function",
    busy: "in_progress",
    done: "calls",
    failed: ["errors"],
    said: ["seconds"],
    mean: ({ calls, seconds }) => calls > 0 ? (1_000 * seconds) / calls : null,
  }],
]);

const CLOSED = { text: "closed", look: "good", rank: 0 };
const HALF_OPEN = { text: "half open", look: "warn", rank: 1 };
const INCOHERENT = { text: "incoherent", look: "warn", rank: 1 };
const EXHAUSTED = { text: "exhausted", look: "warn", rank: 1 };
const STUCK = { text: "stuck", look: "bad", rank: 2 };
const OPEN = { text: "open", look: "bad", rank: 2 };

/** The order of a thing's parts: what it is made of first, what guards it last. */
const ORDER = [...KINDS.keys()];

/**
 * Groups the readings of all kinds by the thing that they are of.
 *
 * @param kinds the readings by kind
 * @return pairs of a thing's name and its parts
 */
export function thingsOf(kinds) {
  const things = new Map();
  for (const [kind, readings] of Object.entries(kinds)) {
    for (const { labels, values } of readings) {
      const { name = kind, ...others } = labels;
      const parts = things.get(name) ?? [];
      things.set(name, parts);
      parts.push(partOf(kind, name, others, values));
    }
  }
  for (const parts of things.values()) parts.sort(inOrder);
  return [...things];
}

/** What is of one origin stands together. */
function inOrder(one, other) {
  return one.origin.localeCompare(other.origin) || one.order - other.order ||
    one.key.localeCompare(other.key);
}

function partOf(kind, name, labels, values) {
  const shape = KINDS.get(kind) ?? { words: format.words(kind) };
  const tags = Object.values(labels).filter((label) => label !== name);
  const failed = shape.failed?.filter((each) => values[each] !== undefined);
  return {
    key: [kind, ...tags].join(" "),
    origin: labels.origin ?? "",
    order: (ORDER.indexOf(kind) + ORDER.length + 1) % (ORDER.length + 1),
    words: shape.words,
    tags,
    state: shape.state?.(values),
    use: useOf(shape, values),
    waiting: values.waiting,
    done: typeof shape.done === "function"
      ? shape.done(values)
      : values[shape.done],
    failed: failed?.length > 0
      ? failed.reduce((sum, each) => sum + values[each], 0)
      : undefined,
    quality: qualityOf(shape, values),
    others: othersOf(shape, values),
  };
}

function useOf({ busy, most }, values) {
  const now = values[busy];
  if (now === undefined) return undefined;
  const top = values[most];
  return top === undefined
    ? format.count(now)
    : `${format.count(now)} of ${format.count(top)}`;
}

/** How well it does: the share of hits, or the mean time. */
function qualityOf({ mean }, values) {
  const { hits, misses } = values;
  if (hits !== undefined && misses !== undefined) {
    return format.percent(hits, hits + misses);
  }
  return mean === undefined ? undefined : format.duration(mean(values));
}

/** What no column has, each with its title, value and text. */
function othersOf({ busy, most, done, said = [] }, values) {
  const shown = new Set([busy, most, done, "waiting", ...said]);
  return Object.entries(values).filter(([name]) => !shown.has(name)).map((
    [name, value],
  ) => ({ title: title(name), value, text: write(name, value) }));
}

/** A measure's name without the unit, which the figures bear. */
function title(name) {
  return name === "seconds"
    ? "time"
    : format.words(name.replace(/_(ms|seconds|bytes)$/, ""));
}

function write(name, value) {
  if (name.endsWith("_ms")) return format.duration(value);
  if (/(^|_)seconds$/.test(name)) {
    return format.duration(value === undefined ? null : 1_000 * value);
  }
  if (/(^|_)bytes$/.test(name)) return format.bytes(value);
  return Number.isInteger(value) ? format.count(value) : format.figure(value);
}

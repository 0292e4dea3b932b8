import * as format from "./format.js";

/** What the kinds are called where there are many. */
const WORDS = new Map([
  ["cache", "caches"],
  ["pool", "pools"],
  ["postgres", "PostgreSQL pools"],
  ["http_pool", "HTTP pools"],
  ["http_origin", "HTTP origins"],
  ["batcher", "batchers"],
  ["limiter", "rate limiters"],
  ["rate_limit_store", "rate limit stores"],
  ["semaphore", "semaphores"],
  ["circuit", "circuits"],
  ["function", "functions"],
]);

/** What many of a kind are called; another kind is named as it is. */
export function kindWords(kind) {
  return WORDS.get(kind) ?? format.words(kind);
}

const CLOSED = { text: "closed", look: "good", rank: 0 };
const HALF_OPEN = { text: "half open", look: "warn", rank: 1 };
const OPEN = { text: "open", look: "bad", rank: 2 };
const INCOHERENT = { text: "incoherent", look: "warn", rank: 1 };

/** The measures that tell a state, which is said in a word instead. */
const STATES = new Map([
  ["circuit", {
    measures: ["open", "half_open"],
    of: ({ open, half_open }) =>
      open > 0 ? OPEN : half_open > 0 ? HALF_OPEN : CLOSED,
  }],
  ["cache", {
    measures: ["incoherent"],
    of: ({ incoherent }) => incoherent > 0 ? INCOHERENT : undefined,
  }],
]);

/** How an instrument stands: a word, its look, and how bad that is. */
export function stateOf(kind, values) {
  return STATES.get(kind)?.of(values);
}

/** Figures that are made of others, and of which. */
const MADE = [
  {
    title: "hit rate",
    from: ["hits", "misses"],
    of: ({ hits, misses }) => hits + misses,
    text: ({ hits, misses }) => format.percent(hits, hits + misses),
  },
  {
    title: "mean time",
    from: ["calls", "seconds"],
    of: ({ calls }) => calls,
    text: ({ calls, seconds }) =>
      format.duration(calls > 0 ? (1_000 * seconds) / calls : null),
  },
];

/**
 * What there is to be shown of a kind: each with its title, its value in an
 * instrument, and the text of that.
 */
export function measuresOf(kind, names) {
  const states = new Set(STATES.get(kind)?.measures);
  return [
    ...MADE.filter(({ from }) => from.every((name) => names.has(name))),
    ...Array.from(names).filter((name) => !states.has(name)).map((name) => ({
      title: title(name),
      of: (values) => values[name],
      text: (values) => write(name, values[name]),
    })),
  ];
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

/** How figures are written. Each takes `null` for what isn't known. */

const NONE = "–";

/** Formatters are dear to make: one of each will do. */
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", {
  notation: "compact",
  maximumFractionDigits: 1,
});
const time = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
});
const exactTime = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
/** Sweden writes dates as ISO 8601 does, with a blank for the T. */
const date = new Intl.DateTimeFormat("sv-SE", {
  dateStyle: "short",
  timeStyle: "medium",
});

/** A whole number; a large one in short: `123.4K`. */
export function count(value) {
  if (value == null) return NONE;
  return (Math.abs(value) < 100_000 ? whole : compact).format(value);
}

/** A figure with three digits that count. */
export function figure(value) {
  if (value == null) return NONE;
  const rounded = threeDigits(value);
  const size = Math.abs(rounded);
  if (size >= 1_000) return count(value);
  if (size >= 100) return rounded.toFixed(0);
  if (size >= 10) return rounded.toFixed(1);
  return size === 0 ? "0" : rounded.toFixed(2);
}

function threeDigits(value) {
  return Number(value.toPrecision(3));
}

/** From so many milliseconds on, a duration is told in the unit. */
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** A figure and its unit, of milliseconds: `["1.25", "s"]`. */
export function durationParts(ms) {
  if (ms == null) return [NONE, ""];
  const [size, unit] = UNITS.find(([size]) => threeDigits(ms) >= size) ??
    [1, "ms"];
  return [figure(ms / size), unit];
}

/** Milliseconds: `1.25 s`. */
export function duration(ms) {
  return durationParts(ms).join(" ").trimEnd();
}

/** Seconds in the two largest units: `3 d 4 h`. */
export function longDuration(seconds) {
  if (seconds == null) return NONE;
  const whole = Math.floor(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

/** A figure and its unit, of MiB: `["1.2", "GiB"]`. */
export function memoryParts(mib) {
  if (mib == null) return [NONE, ""];
  return mib < 1_024 ? [figure(mib), "MiB"] : [figure(mib / 1_024), "GiB"];
}

/** MiB: `1.2 GiB`. */
export function memory(mib) {
  return memoryParts(mib).join(" ").trimEnd();
}

/** Seconds since 1970 as a time of day: `14:05`. */
export function clock(seconds) {
  return time.format(1_000 * seconds);
}

/** Milliseconds since 1970 as a time of day, to the second: `14:05:09`. */
export function timeOfDay(ms) {
  return exactTime.format(ms);
}

/** Seconds since 1970 as a date and a time of day: `2026-03-07 14:05:09`. */
export function moment(seconds) {
  return date.format(1_000 * seconds);
}

/** Bytes: `1.2 MiB`. */
export function bytes(value) {
  if (value == null) return NONE;
  if (value < 1_024) return `${Math.round(value)} B`;
  if (value < 1_048_576) return `${figure(value / 1_024)} KiB`;
  return memory(value / 1_048_576);
}

/** A share of a whole: `12.5 %`. */
export function percent(part, whole) {
  return whole > 0 ? `${figure((100 * part) / whole)} %` : NONE;
}

/** A name as it stands in figures, to be read: `hit_rate` is `hit rate`. */
export function words(name) {
  return name.replaceAll("_", " ");
}

/** Words as they begin a heading. */
export function capitalized(words) {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

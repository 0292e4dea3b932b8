import type { RE2JS } from "re2js";

/** Ways through a text that V8 may have to try: some tens of milliseconds. */
const MAX_WAYS = 1_000_000;

/** Ways through all texts of one check: some tenths of a second. */
const MAX_WAYS_IN_ALL = 100_000_000;

/** Characters of texts times instructions of programs: about a second. */
const MAX_LINEAR_WORK = 100_000_000;

/** Texts up to this length have their ways counted once per length. */
const SHORT_TEXT = 256;

let linearEngine: typeof RE2JS | undefined;

/** Thrown when a pattern needs the linear engine before it is there. */
export class LinearEngineMissing extends Error {
  override readonly name = "LinearEngineMissing";
}

/** Loads the engine that matches in linear time, but slower than V8 as a rule. */
export async function loadLinearEngine(): Promise<void> {
  linearEngine ??= (await import("re2js")).RE2JS;
}

/** The work that all patterns of one check may still cause, over all its texts. */
export class PatternWork {
  #ways = MAX_WAYS_IN_ALL;
  #linear = MAX_LINEAR_WORK;
  #isSpent = false;

  /** True if it was too little for a text that is not too long by itself. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Tells if V8 may still try so many ways, and takes them off. */
  takeWays(ways: number): boolean {
    if (ways > this.#ways) {
      this.#isSpent = true;
      return false;
    }
    this.#ways -= ways;
    return true;
  }

  /** Tells if the linear engine may still do so much, and takes it off. */
  takeLinear(work: number): boolean {
    if (work > this.#linear) {
      this.#isSpent ||= work <= MAX_LINEAR_WORK;
      return false;
    }
    this.#linear -= work;
    return true;
  }
}

/**
 * A `pattern` that neither a text nor many of them can keep busy for long. V8
 * matches what is short enough for its backtracking, until the check has had its
 * share of that; the rest goes to an engine of linear time; what that doesn't know
 * (lookarounds, references back) is refused when it is too much.
 */
export class SafePattern {
  readonly source: string;
  readonly #native: RegExp;
  readonly #ways: number[] = [];
  #nativeLength: number | undefined;
  /** `null`: the linear engine doesn't know such patterns. */
  #linear: RE2JS | null | undefined;

  /** @throws {SyntaxError} for what {@linkcode isPattern} refuses */
  constructor(source: string) {
    this.source = source;
    this.#native = nativePattern(source);
  }

  /**
   * Tells if a text matches; `undefined` if that would take too long to tell.
   *
   * @throws {LinearEngineMissing} until {@linkcode loadLinearEngine} has been called
   */
  test(
    text: string,
    work: PatternWork = new PatternWork(),
  ): boolean | undefined {
    this.#nativeLength ??= longestText(this.source);
    if (
      text.length <= this.#nativeLength &&
      work.takeWays(this.#waysThrough(text.length))
    ) return this.#native.test(text);
    if (linearEngine === undefined) throw new LinearEngineMissing();
    this.#linear ??= linearPattern(this.source, linearEngine);
    if (this.#linear === null) return undefined;
    return work.takeLinear(text.length * this.#linear.programSize())
      ? this.#linear.test(text)
      : undefined;
  }

  #waysThrough(length: number): number {
    return length > SHORT_TEXT
      ? waysThrough(this.source, length)
      : this.#ways[length] ??= waysThrough(this.source, length);
  }
}

/** Tells if a text is a regular expression, with the `u` flag or without. */
export function isPattern(source: unknown): boolean {
  try {
    return typeof source === "string" && nativePattern(source) !== undefined;
  } catch {
    return false;
  }
}

/** JSON Schema asks for the `u` flag; many patterns were written without it. */
function nativePattern(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return new RegExp(source);
  }
}

function linearPattern(
  source: string,
  engine: typeof RE2JS,
): RE2JS | null {
  try {
    return engine.compile(asInV8(engine.translateRegExp(source)));
  } catch {
    return null;
  }
}

/** Spells out what `.` and `\\s` match in JavaScript, which is more than elsewhere. */
function asInV8(source: string): string {
  const spaces = "\\s\\x0B\\x{A0}\\x{FEFF}\\x{2028}\\x{2029}\\p{Zs}";
  return source.replace(TOKENS, (token) => {
    if (token === ".") return "[^\\n\\r\\x{2028}\\x{2029}]";
    if (token === "\\s") return `[${spaces}]`;
    if (token === "\\S") return `[^${spaces}]`;
    if (!token.startsWith("[")) return token;
    return token.replace(/\\[^]/g, (each) => each === "\\s" ? spaces : each);
  });
}

/** The length up to which a pattern's backtracking is harmless. */
function longestText(source: string): number {
  let fits = 0;
  let fails = MAX_WAYS + 1;
  while (fails - fits > 1) {
    const length = Math.floor((fits + fails) / 2);
    if (waysThrough(source, length) <= MAX_WAYS) fits = length;
    else fails = length;
  }
  return fits === MAX_WAYS ? Infinity : fits;
}

const TOKENS =
  /\\(?:u\{[^}]*\}|[pP]\{[^}]*\}|k<[^>]*>|[^])|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:<?[=!]|<[^>]*>|[a-z-]*:))?|[)|]|(?:[*+?]|\{\d+(?:,\d*)?\})\??|[^]/g;

/** One group under way: its alternatives so far, and the one at hand. */
interface Group {
  alternatives: number;
  sequence: number;
  /** The last thing of the sequence, which a quantifier would repeat. */
  last: number;
}

/**
 * The ways in which a pattern may be laid over a text of `length` characters, at
 * most: what comes in sequence multiplies, alternatives add up, and what repeats
 * does either, once for each number of times.
 */
function waysThrough(source: string, length: number): number {
  const groups: Group[] = [{ alternatives: 0, sequence: 1, last: 1 }];
  for (const [token] of source.matchAll(TOKENS)) {
    const group = groups.at(-1)!;
    if (token.startsWith("(")) {
      groups.push({ alternatives: 0, sequence: 1, last: 1 });
    } else if (token === ")" && groups.length > 1) {
      groups.pop();
      append(groups.at(-1)!, waysOf(group));
    } else if (token === "|") {
      group.alternatives += group.sequence * group.last;
      group.sequence = group.last = 1;
    } else if (/^(?:[*+?]|\{\d)/.test(token)) {
      group.last = repeated(group.last, token, length);
    } else append(group, 1);
  }
  const anchored = source.startsWith("^") && groups[0].alternatives === 0;
  return waysOf(groups[0]) * (anchored ? 1 : length + 1);
}

function append(group: Group, ways: number): void {
  group.sequence *= group.last;
  group.last = ways;
}

function waysOf({ alternatives, sequence, last }: Group): number {
  return alternatives + sequence * last;
}

function repeated(ways: number, quantifier: string, length: number): number {
  const [least, most] = bounds(quantifier);
  const times = Math.min(most, Math.max(length, least));
  if (ways === 1) return times - least + 1;
  return (ways ** (times + 1) - ways ** least) / (ways - 1);
}

function bounds(quantifier: string): [least: number, most: number] {
  if (quantifier.startsWith("?")) return [0, 1];
  if (quantifier.startsWith("*")) return [0, Infinity];
  if (quantifier.startsWith("+")) return [1, Infinity];
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier)!;
  if (comma === "") return [Number(least), Number(least)];
  return [Number(least), most === "" ? Infinity : Number(most)];
}

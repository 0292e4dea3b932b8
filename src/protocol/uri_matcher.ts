const SLASH = 0x2f;
const COMMA = 0x2c;

/** A part of a URI to capture, by the characters that it may hold. */
export interface Capture {
  /** `segment`: no "/" and no ","; `list`: no "/"; `rest`: anything. */
  kind: "segment" | "list" | "rest";
}

/**
 * Matches a text against literals and captures. Each capture takes at least one
 * character and as many as it can, the first before the next: as a regular
 * expression would have it, but in time linear in the text, whatever it holds.
 */
export class UriMatcher {
  readonly #parts: readonly (string | Capture)[];

  constructor(parts: readonly (string | Capture)[]) {
    this.#parts = parts;
  }

  /** Gives the captures in order, or `null`. */
  match(text: string): string[] | null {
    const [first] = this.#parts;
    if (typeof first === "string" && !text.startsWith(first)) return null;
    const row = text.length + 1;
    const good = this.#goodPositions(text, row);
    if (good[0] !== 0) return null;
    const captured: string[] = [];
    let at = 0;
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index];
      if (typeof part === "string") at += part.length;
      else {
        const end = good[(index + 1) * row + endOfRun(text, at, part)];
        captured.push(text.slice(at, end));
        at = end;
      }
    }
    return captured;
  }

  /**
   * A row for each part, a column for each position: the last position up to it
   * from which that part and those after it match the rest of the text, or -1.
   * Made from the end.
   */
  #goodPositions(text: string, row: number): Int32Array {
    const good = new Int32Array((this.#parts.length + 1) * row).fill(-1);
    good[good.length - 1] = text.length;
    for (let index = this.#parts.length - 1; index >= 0; index--) {
      const part = this.#parts[index];
      const begin = index * row;
      if (typeof part === "string") markLiteral(text, part, good, begin);
      else markCapture(text, part, good, begin);
      for (let at = begin + 1; at < begin + row; at++) {
        if (good[at] < 0) good[at] = good[at - 1];
      }
    }
    return good;
  }
}

/** Fills the row that begins at `begin` from the one after it. */
function markLiteral(
  text: string,
  literal: string,
  good: Int32Array,
  begin: number,
): void {
  const next = begin + text.length + 1;
  let at = text.indexOf(literal);
  while (at >= 0) {
    const end = at + literal.length;
    if (good[next + end] === end) good[begin + at] = at;
    at = text.indexOf(literal, at + 1);
  }
}

function markCapture(
  text: string,
  capture: Capture,
  good: Int32Array,
  begin: number,
): void {
  const next = begin + text.length + 1;
  let end = text.length;
  for (let at = text.length - 1; at >= 0; at--) {
    if (isBeyond(text.charCodeAt(at), capture)) end = at;
    else if (good[next + end] > at) good[begin + at] = at;
  }
}

/** The end of the longest capture that begins at a position. */
function endOfRun(text: string, from: number, capture: Capture): number {
  let end = from;
  while (end < text.length && !isBeyond(text.charCodeAt(end), capture)) end++;
  return end;
}

function isBeyond(code: number, { kind }: Capture): boolean {
  return kind !== "rest" &&
    (code === SLASH || (code === COMMA && kind === "segment"));
}

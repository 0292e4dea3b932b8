import type { Script } from "node:vm";

/** The place of a function in the code that runs, as V8 tells it. */
export interface CallFrame {
  /** `""` for an anonymous function, `"(idle)"` and the like for V8's own. */
  functionName: string;
  /** V8's number of the script. */
  scriptId: string;
  /** The script's address; `""` for V8's own. */
  url: string;
  /** The line, counted from 0. */
  lineNumber: number;
  /** The column, counted from 0. */
  columnNumber: number;
}

type ScriptClass = typeof Script;

/**
 * Finds the place in the TypeScript that somebody wrote for one in the
 * JavaScript that runs, and remembers it. The runtime alone has the source map,
 * and shows it in one place, the stack of an error; so one is made there.
 */
export class SourcePositions {
  readonly #known: Map<string, CallFrame> = new Map();
  readonly #Script: ScriptClass | undefined;

  private constructor(Script: ScriptClass | undefined) {
    this.#Script = Script;
  }

  /** Makes one; where the runtime can't tell, every place stays what it is. */
  static async load(): Promise<SourcePositions> {
    try {
      return new SourcePositions((await import("node:vm")).Script);
    } catch {
      return new SourcePositions(undefined);
    }
  }

  /** The same function, where its author finds it. */
  map(frame: CallFrame): CallFrame {
    if (!/^(file|https?):.*\.(m?ts|[jt]sx)$/.test(frame.url)) return frame;
    const key = `${frame.url}:${frame.lineNumber}:${frame.columnNumber}`;
    let place = this.#known.get(key);
    if (place === undefined) {
      place = { ...frame, ...this.#look(frame) };
      this.#known.set(key, place);
    }
    return { ...frame, ...place, functionName: frame.functionName };
  }

  #look(
    { url, lineNumber, columnNumber }: CallFrame,
  ): Pick<CallFrame, "lineNumber" | "columnNumber"> | undefined {
    if (this.#Script === undefined) return undefined;
    const script = new this.#Script("new Error().stack", {
      filename: url,
      lineOffset: lineNumber,
      columnOffset: columnNumber,
    });
    let stack: string;
    try {
      stack = String(script.runInThisContext());
    } catch {
      // An author's own Error.prepareStackTrace has failed.
      return undefined;
    }
    const found = stack.split("\n")[1]?.match(/:(\d+):(\d+)\)?$/);
    return found
      ? { lineNumber: Number(found[1]) - 1, columnNumber: Number(found[2]) - 1 }
      : undefined;
  }
}

/** `file:///srv/tools.ts:12:3`, as editors and terminals take it. */
export function locationText(
  { url, lineNumber, columnNumber }: CallFrame,
): string {
  return url === "" || lineNumber < 0
    ? url
    : `${url}:${lineNumber + 1}:${columnNumber + 1}`;
}

/** The name of a function, as people read it. */
export function nameOf({ functionName }: CallFrame): string {
  return functionName || "(anonymous)";
}

/** The place where a function's code begins, as V8 tells functions apart. */
export function placeOf(
  { scriptId, lineNumber, columnNumber }: CallFrame,
): string {
  return `${scriptId}:${lineNumber}:${columnNumber}`;
}

/** Tells functions of people from V8's and the runtime's. */
export function isOwn({ url }: CallFrame): boolean {
  return url !== "" && !/^(ext|node):/.test(url);
}

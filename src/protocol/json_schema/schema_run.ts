import { MAX_ISSUES, type StandardSchemaIssue } from "../standard_schema.ts";
import { PatternWork } from "./safe_pattern.ts";
import type { SchemaNode } from "./keywords.ts";
import type { Resource } from "./schema_document.ts";

/** Schemas applied to one value, with all that is in it: some seconds of work. */
const MAX_STEPS = 5_000_000;

/** Applies a schema, or a part of one, to a value; the run is told of what is wrong. */
export type Check = (
  value: unknown,
  run: SchemaRun,
  seen: Seen | undefined,
) => boolean;

/** Makes the check of a schema within the one at hand. */
export type MakeCheck = (node: SchemaNode) => Check;

/** Thrown to end a check that would take too long. */
export class CheckStopped extends Error {
  override readonly name = "CheckStopped";

  constructor(readonly issue: StandardSchemaIssue) {
    super(issue.message);
  }
}

/** One value being checked. */
export class SchemaRun {
  readonly path: (string | number)[] = [];
  readonly issues: StandardSchemaIssue[] = [];
  #scope: Resource[] | undefined;
  #patternWork: PatternWork | undefined;
  #steps = 0;

  /** The resources entered by references, for `$dynamicRef`. */
  get scope(): Resource[] {
    return this.#scope ??= [];
  }

  /** The work that is left for patterns. */
  get patternWork(): PatternWork {
    return this.#patternWork ??= new PatternWork();
  }

  step(): void {
    if (++this.#steps > MAX_STEPS) this.stop("takes too long to check");
  }

  fail(message: string): false {
    if (this.issues.length < MAX_ISSUES) {
      this.issues.push({ message, path: [...this.path] });
    }
    return false;
  }

  /** Gives up on the whole value, whatever else may be said of it. */
  stop(message: string): never {
    throw new CheckStopped({ message, path: [...this.path] });
  }

  /** Applies a check to a member of the value at hand. */
  within(key: string | number, value: unknown, check: Check): boolean {
    this.path.push(key);
    const good = check(value, this, undefined);
    this.path.pop();
    return good;
  }

  /** Applies a check of which only the outcome counts. */
  quietly(check: (run: SchemaRun) => boolean): boolean {
    const before = this.issues.length;
    const good = check(this);
    this.issues.length = before;
    return good;
  }
}

/** The members of a value that some keyword has looked at, for `unevaluated…`. */
export class Seen {
  readonly names = new Set<string>();
  readonly indexes = new Set<number>();
  /** All items before this one. */
  items = 0;

  add(other: Seen): void {
    for (const name of other.names) this.names.add(name);
    for (const index of other.indexes) this.indexes.add(index);
    this.items = Math.max(this.items, other.items);
  }
}

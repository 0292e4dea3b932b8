import { InvalidParamsError } from "./errors.ts";

/** What a request's parameters may be made of. */
export interface PayloadLimits {
  /** Levels of nesting. */
  maxDepth: number;
  /** Array elements and object members together. */
  maxElements: number;
}

/** What {@linkcode checkPayload} noticed on its way. */
export interface PayloadFindings {
  /** A string held U+FFFD, which may stand for bytes that were not UTF-8. */
  replaced: boolean;
}

/**
 * Walks parameters once and refuses what no handler should meet: nesting and
 * sizes past the limits, and the key `__proto__`, which a careless merge would
 * turn into a prototype.
 *
 * @throws {InvalidParamsError} naming the field
 */
export function checkPayload(
  params: unknown,
  limits: PayloadLimits,
): PayloadFindings {
  const walk = new Walk(limits);
  walk.visit(params, 1);
  return walk;
}

class Walk implements PayloadFindings {
  replaced = false;
  #elements = 0;
  readonly #limits: PayloadLimits;
  readonly #path: (string | number)[] = ["params"];

  constructor(limits: PayloadLimits) {
    this.#limits = limits;
  }

  visit(value: unknown, depth: number): void {
    if (typeof value === "string") {
      if (value.includes("\uFFFD")) this.replaced = true;
    } else if (typeof value === "object" && value !== null) {
      if (depth > this.#limits.maxDepth) {
        this.#refuse(`is nested deeper than ${this.#limits.maxDepth} levels`);
      }
      if (Array.isArray(value)) this.#visitArray(value, depth);
      else this.#visitObject(value as Record<string, unknown>, depth);
    }
  }

  #visitArray(array: unknown[], depth: number): void {
    this.#count(array.length);
    for (let index = 0; index < array.length; index++) {
      const value = array[index];
      if (typeof value === "number") continue;
      this.#path.push(index);
      this.visit(value, depth + 1);
      this.#path.pop();
    }
  }

  #visitObject(object: Record<string, unknown>, depth: number): void {
    for (const key in object) {
      this.#count(1);
      this.#path.push(key);
      if (key === "__proto__") this.#refuse("is not an allowed key");
      if (key.includes("\uFFFD")) this.replaced = true;
      this.visit(object[key], depth + 1);
      this.#path.pop();
    }
  }

  #count(elements: number): void {
    this.#elements += elements;
    if (this.#elements > this.#limits.maxElements) {
      this.#refuse(
        `takes the request past ${this.#limits.maxElements} elements`,
      );
    }
  }

  #refuse(why: string): never {
    throw new InvalidParamsError(
      `Invalid params: ${shorten(this.#path)} ${why}`,
    );
  }
}

function shorten(path: readonly (string | number)[]): string {
  const whole = path.join(".");
  return whole.length <= 120
    ? whole
    : `${whole.slice(0, 60)}…${whole.slice(-40)}`;
}

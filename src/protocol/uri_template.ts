import { InvalidOptionError } from "../base/errors.ts";
import {
  encodeForUri,
  foldHost,
  MAX_URI_LENGTH,
  normalUri,
} from "./uri_form.ts";
import { type Capture, UriMatcher } from "./uri_matcher.ts";

/** The values of a template's variables; exploded ones (`{list*}`) are arrays. */
export type Variables = Record<string, string | string[]>;

const MAX_TEMPLATE_LENGTH = 10_000;

/** A template that begins with a scheme and a host that has no variable in it. */
const HAS_OWN_HOST = /^[^{/?#]*:\/\/[^{/?#]+(?:[/?#]|$)/;

type Operator = "" | "+" | "#" | "." | "/" | "?" | "&";

interface Variable {
  name: string;
  exploded: boolean;
}

interface Expression {
  operator: Operator;
  variables: Variable[];
}

/**
 * A URI template (RFC 6570), expanded into URIs and matched against them.
 *
 * Matching gives the values as they stand in the URI, percent-encoding and all,
 * as the official SDK does. Query variables match in any order and each may be
 * missing, but none twice; every other variable must be there. A URI that a client has written in
 * a form of its own (`%7E` for `~`, the scheme in capitals) matches too.
 *
 * @example
 * ```ts
 * import { UriTemplate } from "@sluice/mcp";
 *
 * const template = new UriTemplate("users://{id}/posts{?page}");
 * template.match("users://7/posts?page=2"); // { id: "7", page: "2" }
 * template.expand({ id: "7" }); // "users://7/posts"
 * ```
 */
export class UriTemplate {
  readonly #template: string;
  readonly #parts: readonly (string | Expression)[];
  readonly #form: TemplateForm;
  /** The same with its literals as {@linkcode expand} writes them, if that differs. */
  readonly #expandedForm: TemplateForm | undefined;
  /** The same with its literals in the normal form, unless they are in it already. */
  readonly #normalForm: TemplateForm;
  /** The same with the host in small letters, if no variable stands in the host. */
  readonly #foldedForm: TemplateForm | undefined;

  /**
   * Reads a template.
   *
   * @throws {InvalidOptionError} for a template that is too long or malformed
   */
  constructor(template: string) {
    if (template.length > MAX_TEMPLATE_LENGTH) {
      throw new InvalidOptionError(
        `a URI template takes at most ${MAX_TEMPLATE_LENGTH} characters, got ${template.length}`,
      );
    }
    this.#template = template;
    this.#parts = parse(template);
    this.#form = new TemplateForm(this.#parts);
    this.#expandedForm = this.#formOf(
      this.#parts.map((part) =>
        typeof part === "string" ? encodeForUri(part) : part
      ),
    );
    this.#normalForm = this.#formOf(normalParts(this.#parts, normalUri)) ??
      this.#form;
    if (HAS_OWN_HOST.test(template)) {
      const folded = (uri: string) => foldHost(normalUri(uri));
      this.#foldedForm = this.#formOf(normalParts(this.#parts, folded)) ??
        this.#form;
    }
  }

  /** The form of the template in other words; `undefined` if they are the same. */
  #formOf(parts: readonly (string | Expression)[]): TemplateForm | undefined {
    return parts.length === this.#parts.length &&
        parts.every((part, index) => part === this.#parts[index])
      ? undefined
      : new TemplateForm(parts);
  }

  /** True if a string holds at least one `{expression}`. */
  static isTemplate(text: string): boolean {
    return /\{[^{}\s]+\}/.test(text);
  }

  /** The names of all variables, in the order of the template. */
  get variableNames(): string[] {
    return this.#parts.flatMap((part) =>
      typeof part === "string" ? [] : part.variables.map(({ name }) => name)
    );
  }

  /** The template as it was written. */
  toString(): string {
    return this.#template;
  }

  /** Fills the variables in; those without a value leave nothing behind. */
  expand(variables: Variables): string {
    let result = "";
    for (const part of this.#parts) {
      result += typeof part === "string"
        ? encodeForUri(part)
        : expandExpression(part, variables, result.includes("?"));
    }
    return result;
  }

  /** The variables' values if `uri` has this template's form, else `null`. */
  match(uri: string): Variables | null {
    return this.matchSpelling(uri)?.variables ?? null;
  }

  /** @internal The same, with the spelling of the URI that the values stand in. */
  matchSpelling(uri: string): { uri: string; variables: Variables } | null {
    if (uri.length > MAX_URI_LENGTH) return null;
    const asWritten = spelled(uri, this.#form) ??
      (this.#expandedForm && spelled(uri, this.#expandedForm));
    if (asWritten) return asWritten;
    const normal = normalUri(uri);
    const found = normal === uri && this.#normalForm === this.#form
      ? null
      : spelled(normal, this.#normalForm);
    if (found !== null || this.#foldedForm === undefined) return found;
    return spelled(foldHost(normal), this.#foldedForm);
  }
}

/** A spelling of a URI, with the values that stand in it, if it has a form. */
function spelled(
  uri: string,
  form: TemplateForm,
): { uri: string; variables: Variables } | null {
  const variables = form.match(uri);
  return variables && { uri, variables };
}

/** Demands of the parts of a template on a URI. */
class TemplateForm {
  readonly #path: UriMatcher;
  readonly #pathVariables: readonly Variable[];
  readonly #queryVariables: readonly Variable[];
  /** The pairs that the query must have. */
  readonly #queryLiterals: readonly string[];

  constructor(parts: readonly (string | Expression)[]) {
    const expressions = parts.filter((part) => typeof part !== "string");
    this.#pathVariables = expressions.filter((part) => !isQuery(part))
      .flatMap((part) => part.variables);
    this.#queryVariables = parts.filter(isQueryPart)
      .flatMap((part) => part.variables);
    const [pathParts, query] = this.#queryVariables.length === 0
      ? [parts, ""]
      : splitLiteralQuery(parts);
    this.#path = new UriMatcher(pathParts.flatMap(matcherParts));
    this.#queryLiterals = pairsOf(query);
  }

  match(uri: string): Variables | null {
    const [path, query] = this.#queryVariables.length === 0
      ? [uri, ""]
      : splitQuery(uri);
    const captured = this.#path.match(path);
    if (captured === null) return null;
    const values: Variables = {};
    for (const [index, variable] of this.#pathVariables.entries()) {
      values[variable.name] = readValue(captured[index], variable);
    }
    const pairs = pairsOf(query);
    for (const literal of this.#queryLiterals) {
      const at = pairs.indexOf(literal);
      if (at < 0) return null;
      pairs.splice(at, 1);
    }
    return readPairs(pairs, this.#queryVariables, values) ? values : null;
  }
}

function isQuery({ operator }: Expression): boolean {
  return operator === "?" || operator === "&";
}

function isQueryPart(part: string | Expression): part is Expression {
  return typeof part !== "string" && isQuery(part);
}

/** A query that begins in a literal, as in `x://list?sort=up{&page}`, is one all the same. */
function splitLiteralQuery(
  parts: readonly (string | Expression)[],
): [path: (string | Expression)[], query: string] {
  const path: (string | Expression)[] = [];
  let query: string | undefined;
  for (const part of parts) {
    if (typeof part !== "string") path.push(part);
    else if (query !== undefined) query += part;
    else {
      const [before, after] = splitQuery(part);
      if (before !== "") path.push(before);
      if (before !== part) query = after;
    }
  }
  return [path, query ?? ""];
}

function pairsOf(query: string): string[] {
  return query.split("&").filter((pair) => pair !== "");
}

/**
 * The literals of a template as a normal form would have them, which is asked for
 * the template with marks for its variables.
 */
function normalParts(
  parts: readonly (string | Expression)[],
  normal: (uri: string) => string,
): readonly (string | Expression)[] {
  const marks = parts.map(markOf);
  let rest = normal(marks.join(""));
  const found: (string | Expression)[] = [];
  for (const [index, part] of parts.entries()) {
    if (typeof part === "string" || isQuery(part)) continue;
    const at = rest.indexOf(marks[index]);
    // Dots have taken it away, or a literal looks like it: there is no normal form.
    if (at < 0 || rest.lastIndexOf(marks[index]) !== at) return parts;
    if (at > 0) found.push(rest.slice(0, at));
    found.push(part);
    rest = rest.slice(at + marks[index].length);
  }
  if (rest !== "") found.push(rest);
  return [...found, ...parts.filter(isQueryPart)];
}

function markOf(part: string | Expression, index: number): string {
  if (typeof part === "string") return part;
  if (isQuery(part)) return "";
  const { operator } = part;
  return `${operator === "+" ? "" : operator}variable${index}x`;
}

function parse(template: string): (string | Expression)[] {
  const parts: (string | Expression)[] = [];
  let rest = template;
  while (rest !== "") {
    const open = rest.indexOf("{");
    if (open !== 0) {
      parts.push(open < 0 ? rest : rest.slice(0, open));
      rest = open < 0 ? "" : rest.slice(open);
      continue;
    }
    const close = rest.indexOf("}");
    if (close < 0) {
      throw new InvalidOptionError(
        `URI template ${JSON.stringify(template)} has a "{" without a "}"`,
      );
    }
    parts.push(parseExpression(rest.slice(1, close), template));
    rest = rest.slice(close + 1);
  }
  return parts;
}

function parseExpression(body: string, template: string): Expression {
  const operator = (/^[+#./?&]/.exec(body)?.[0] ?? "") as Operator;
  const variables = body.slice(operator.length).split(",").map((each) => {
    const name = each.trim().replace(/\*$|:\d+$/, "");
    if (!/^[\w%][\w.%-]*$/.test(name)) {
      throw new InvalidOptionError(
        `URI template ${
          JSON.stringify(template)
        } has an expression {${body}} ` +
          `that names no variable`,
      );
    }
    return { name, exploded: each.trim().endsWith("*") };
  });
  return { operator, variables };
}

/** Tells what a part of the template asks of the path. */
function matcherParts(part: string | Expression): (string | Capture)[] {
  if (typeof part === "string") return [part];
  const { operator, variables } = part;
  switch (operator) {
    case "?":
    case "&":
      return [];
    case "+":
    case "#": {
      const captures = variables.map((): Capture => ({ kind: "rest" }));
      const listed = separated(captures, ",");
      return operator === "#" ? ["#", ...listed] : listed;
    }
    case ".":
    case "/":
      return variables.flatMap(() => [operator, { kind: "list" }]);
    default:
      return separated(variables.map(captureOf), ",");
  }
}

/** A comma ends a variable only where it leads to the next. */
function captureOf(
  { exploded }: Variable,
  _index: number,
  { length }: readonly Variable[],
): Capture {
  return { kind: exploded || length === 1 ? "list" : "segment" };
}

function separated(
  captures: readonly Capture[],
  separator: string,
): (string | Capture)[] {
  return captures.flatMap((capture, index) =>
    index === 0 ? [capture] : [separator, capture]
  );
}

function splitQuery(uri: string): [path: string, query: string] {
  const mark = uri.indexOf("?");
  return mark < 0 ? [uri, ""] : [uri.slice(0, mark), uri.slice(mark + 1)];
}

/**
 * Reads a query into `values`; false if it holds what the template does not, or a
 * name twice, of which readers take now the first and now the last.
 */
function readPairs(
  pairs: readonly string[],
  variables: readonly Variable[],
  values: Variables,
): boolean {
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const variable = variables.find((each) => each.name === name);
    if (variable === undefined || Object.hasOwn(values, name)) return false;
    values[name] = readValue(
      equals < 0 ? "" : pair.slice(equals + 1),
      variable,
    );
  }
  return true;
}

function readValue(text: string, { exploded }: Variable): string | string[] {
  return exploded && text.includes(",") ? text.split(",") : text;
}

function expandExpression(
  { operator, variables }: Expression,
  values: Variables,
  hasQuery: boolean,
): string {
  const keepReserved = operator === "+" || operator === "#";
  const encode = keepReserved ? encodeReserved : encodeURIComponent;
  const given = variables.filter(({ name }) =>
    Object.hasOwn(values, name) && values[name] !== undefined
  );
  if (given.length === 0) return "";
  const texts = given.map(({ name }) => {
    const text = [values[name]].flat()
      .map((each) => encode(String(each).toWellFormed())).join(",");
    return operator === "?" || operator === "&" ? `${name}=${text}` : text;
  });
  switch (operator) {
    case "?":
    case "&":
      return (hasQuery ? "&" : "?") + texts.join("&");
    case "#":
      return "#" + texts.join(",");
    case ".":
    case "/":
      return operator + texts.join(operator);
    default:
      return texts.join(",");
  }
}

/** Leaves what is encoded already as it is (RFC 6570, "Reserved Expansion"). */
function encodeReserved(text: string): string {
  return encodeForUri(text).replace(/%(?![\da-f]{2})/gi, "%25");
}

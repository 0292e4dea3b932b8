import { thrownText } from "../../base/thrown.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_NAME = 64;
const MAX_DESCRIPTION = 1_024;
const MAX_COMPATIBILITY = 500;

/**
 * Reads the YAML at the head of a `SKILL.md`. What is wrong with it is in the
 * message of what is thrown, with its line.
 */
export async function parseFrontmatter(markdown: string): Promise<JsonObject> {
  const text = markdown.replace(/^\ufeff/, "");
  // With its opening line, which YAML takes too, lines count as in the file.
  const head = /^---[ \t]*\r?\n[^]*?(?=^---[ \t]*\r?$)/m.exec(text);
  if (head?.index !== 0) {
    throw new SyntaxError("must begin with YAML between two lines of ---");
  }
  const { parseDocument } = await import("yaml");
  const document = parseDocument(head[0], { prettyErrors: true });
  const [problem] = [...document.errors, ...document.warnings];
  // Its first line says what and where; a picture of the place follows.
  if (problem !== undefined) {
    throw new SyntaxError(problem.message.split("\n")[0].replace(/:$/, ""));
  }
  const value = toJson(document.toJS());
  if (!isObject(value)) {
    throw new SyntaxError("must be a mapping of fields to values");
  }
  return value;
}

/** Says how a frontmatter breaks the rules of the Agent Skills specification. */
export function frontmatterProblems(frontmatter: JsonObject): string[] {
  const { name, description, compatibility, metadata } = frontmatter;
  const problems: string[] = [];
  if (!isText(name, MAX_NAME) || !NAME.test(name)) {
    problems.push(
      `name must be 1 to ${MAX_NAME} lowercase letters, digits and single ` +
        `hyphens between them, got ${JSON.stringify(name)}`,
    );
  }
  if (!isText(description, MAX_DESCRIPTION)) {
    problems.push(
      `description must be a text of 1 to ${MAX_DESCRIPTION} characters`,
    );
  }
  if (
    compatibility !== undefined && !isText(compatibility, MAX_COMPATIBILITY)
  ) {
    problems.push(
      `compatibility must be a text of 1 to ${MAX_COMPATIBILITY} characters`,
    );
  }
  if (metadata !== undefined && !isObject(metadata)) {
    problems.push("metadata must be a mapping of keys to texts");
  }
  for (
    const [key, value] of Object.entries(isObject(metadata) ? metadata : {})
  ) {
    if (typeof value === "string") continue;
    problems.push(
      `metadata.${key} must be a text: put ${JSON.stringify(value)} in quotes`,
    );
  }
  return problems;
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.trim() !== "" &&
    Array.from(value).length <= max;
}

/** A value just as JSON will say it; what JSON can't say is refused. */
function toJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value, (key, each) => {
      if (typeof each === "number" && !Number.isFinite(each)) {
        throw new SyntaxError(`${key} is ${each}, which JSON has no word for`);
      }
      return each;
    }));
  } catch (error) {
    throw new SyntaxError(`can't be said in JSON: ${thrownText(error)}`);
  }
}

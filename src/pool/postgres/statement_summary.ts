/** The limit of the conventions; whole words are left out beyond it. */
const MAX_CHARS = 255;

/** The part of a statement that is looked at: its subject stands in front. */
const MAX_LOOKED_AT = 4_096;

const NAME = String.raw`(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)`;

/** Comments and literals, which must not be mistaken for names; names; the rest. */
const TOKENS = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`/\*[^]*?(?:\*/|$)`,
    String.raw`\$([\p{L}_][\p{L}\p{N}_]*)?\$[^]*?(?:\$\1\$|$)`,
    String.raw`[eE]'(?:[^'\\]|\\[^]|'')*(?:'|$)`,
    String.raw`(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)`,
    String.raw`(?<name>${NAME}(?:\s*\.\s*${NAME})*)`,
    String.raw`(?<rest>\S)`,
  ].join("|"),
  "gu",
);

const OPERATION = /^(?:select|insert|update|delete|merge)$/i;
/** An operation's name that follows one of these is none. */
const BEFORE_NO_OPERATION = /^(?:for|do|on|key|no)$/i;
const BEFORE_TARGET = /^(?:from|into|join|update|table|using)$/i;
const NO_TARGET = /^(?:select|insert|update|delete|set|values|unnest)$/i;
/** Words that may stand between. */
const FILLER = /^(?:only|lateral|if|not|exists)$/i;

/**
 * Says what a statement does and to which tables, such as `SELECT users`. It
 * has no literals, so it is the same however often a statement comes.
 */
export function summarizeStatement(text: string): string {
  const words: string[] = [];
  let before = "";
  for (const { groups } of text.slice(0, MAX_LOOKED_AT).matchAll(TOKENS)) {
    const { name, rest } = groups!;
    if (rest !== undefined) before = "";
    if (name === undefined || FILLER.test(name)) continue;
    if (isWorthSaying(name, before) || words.length === 0) words.push(name);
    before = name;
  }
  while (words.join(" ").length > MAX_CHARS) words.pop();
  return words.join(" ");
}

function isWorthSaying(name: string, before: string): boolean {
  return OPERATION.test(name)
    ? !BEFORE_NO_OPERATION.test(before)
    : BEFORE_TARGET.test(before) && !NO_TARGET.test(name);
}

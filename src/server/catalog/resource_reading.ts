import { normalEncoding } from "../../protocol/uri_form.ts";
import type { UriTemplate, Variables } from "../../protocol/uri_template.ts";

/** A URI as a template reads it. Rule, handler and cache all go by this. */
export interface ResourceReading {
  /** The spelling that the variables stand in. */
  readonly uri: string;
  readonly variables: Variables;
}

/** A template with the form that its URIs have on the server that shows it. */
export interface ReadingTemplate {
  readonly uriTemplate: UriTemplate;
  readonly item: { readonly resourceTemplate: { readonly unsafe: boolean } };
}

/**
 * The reading of a URI by a template; `null` if it doesn't match, or holds what
 * could lead out of where its variables point.
 *
 * A URL means the same with its dots resolved, its tabs left out and `%73` for
 * `s`, so it is read without them, and never as it was written: a rule would look
 * at another resource than the one that is read.
 */
export function readingOf(
  { uriTemplate, item: { resourceTemplate } }: ReadingTemplate,
  uri: string,
): ResourceReading | null {
  const url = URL.parse(uri);
  const reading = uriTemplate.matchSpelling(
    url === null ? uri : normalEncoding(url.href),
  );
  if (reading === null || resourceTemplate.unsafe) return reading;
  const isSafe = Object.values(reading.variables).flat().every(isSafeValue);
  return isSafe ? reading : null;
}

/** Tells if the value of a variable is no trap for who decodes it into a path. */
function isSafeValue(value: string): boolean {
  if (/%2f/i.test(value)) return false;
  const text = decoded(value);
  return text !== undefined && isSafeText(text);
}

/** Tells if a text has no `..` between slashes, no backslash and no control character. */
export function isSafeText(text: unknown): boolean {
  return typeof text === "string" && !/[\\\p{Cc}]/u.test(text) &&
    !text.split("/").includes("..");
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

import { normalEncoding } from "../../protocol/uri_form.ts";
import type { UriTemplate, Variables } from "../../protocol/uri_template.ts";

/** A URI as a template reads it. Rule, handler and cache all go by this. */
export interface ResourceReading {
  /** The spelling that the variables stand in. */
  readonly uri: string;
  readonly variables: Variables;
}

/**
 * The reading of a URI by a template; `null` if it doesn't match.
 *
 * A URL means the same with its dots resolved, its tabs left out and `%73` for
 * `s`, so it is read without them, and never as it was written: a rule would look
 * at another resource than the one that is read.
 */
export function readingOf(
  { uriTemplate }: { readonly uriTemplate: UriTemplate },
  uri: string,
): ResourceReading | null {
  const url = URL.parse(uri);
  return uriTemplate.matchSpelling(
    url === null ? uri : normalEncoding(url.href),
  );
}

import type { Resource } from "../../protocol/types.ts";
import { jsonText } from "../../protocol/json_value.ts";
import type { RegisteredResourceTemplate } from "./resource.ts";
import type { ListingEntry } from "./listing.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { foldHost, normalUri } from "../../protocol/uri_form.ts";

/**
 * What has URIs by both forms of them; what is spelt in full goes before what only
 * folding makes alike.
 */
export function byForms<Kept extends { readonly key: string }>(
  slots: readonly Kept[],
): Map<string, Kept> {
  const byForm = new Map<string, Kept>();
  const forms = slots.map(({ key }) => normalUri(key));
  for (const each of [forms, forms.map(foldHost)]) {
    for (const [index, form] of each.entries()) {
      if (!byForm.has(form)) byForm.set(form, slots[index]);
    }
  }
  return byForm;
}

/** A resource that a template lists, as lists show it. */
export function listedEntry(
  resource: Resource,
  template: RegisteredResourceTemplate,
  prefix: string,
): ListingEntry {
  const uri = prefixUri(prefix, resource.uri);
  const text = jsonText({ ...template.metadata, ...resource, uri });
  return { key: uri, modern: text, legacy: text };
}

/** @throws {InvalidParamsError} if the URI is not one */
export function parseUri(uri: string): URL {
  try {
    return new URL(uri);
  } catch {
    throw new InvalidParamsError(
      `Invalid params: uri ${JSON.stringify(uri)} is not a URI`,
      { uri, reason: "invalid_uri" },
    );
  }
}

/** `scheme://rest` under a prefix is `scheme://prefix/rest`; "" is none. */
export function prefixUri(prefix: string, uri: string): string {
  if (prefix === "") return uri;
  return uri.replace(
    /^([a-z][a-z0-9+.-]*:)(\/\/)?\/?/i,
    (_, scheme, slashes) => `${scheme}${slashes ?? ""}${prefix}/`,
  );
}

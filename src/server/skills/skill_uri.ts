/** The file that makes a folder a skill. */
export const MANIFEST = "SKILL.md";

/** Gives a file of a skill its URI (skills extension, "Resource Mapping"). */
export function skillUri(path: string, file: string): string {
  const [authority, ...segments] = `${path}/${file}`.split("/");
  return `skill://${encodeURIComponent(authority)}${
    segments.map((segment) => `/${encodeSegment(segment)}`).join("")
  }`;
}

/** The one spelling that all ways to write a URI share, if it is one at all. */
export function canonicalUri(uri: string): string | undefined {
  try {
    const { protocol, host, pathname, search, hash } = new URL(uri);
    if (search !== "" || hash !== "") return undefined;
    const authority = encodeURIComponent(decodeURIComponent(host));
    const path = pathname.split("/").map((segment) =>
      encodeSegment(decodeURIComponent(segment))
    );
    return `${protocol}//${authority}${path.join("/")}`;
  } catch {
    return undefined;
  }
}

/** The directory that a file or directory is in; `undefined` at the top. */
export function directoryOf(uri: string): string | undefined {
  const slash = uri.lastIndexOf("/");
  return uri[slash - 1] === "/" ? undefined : uri.slice(0, slash);
}

/** The last segment of a URI as it reads. */
export function nameOf(uri: string): string {
  return decodeURIComponent(uri.slice(uri.lastIndexOf("/") + 1));
}

/** The folders that a path leads through, the outermost first. */
export function foldersOf(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, index) =>
    segments.slice(0, index + 1).join("/")
  );
}

/** Says why a path is none that a URI may lead to. */
export function pathProblem(path: string): string | undefined {
  const segments = path.split("/");
  if (segments.some((segment) => segment === "")) {
    return "must be relative, with one / between its segments";
  }
  if (segments.some((segment) => segment === "." || segment === "..")) {
    return "must not lead anywhere else: it has a . or .. in it";
  }
  // deno-lint-ignore no-control-regex -- they are what it looks for
  if (/[\\\u0000-\u001f\u007f]/.test(path) || !path.isWellFormed()) {
    return "must have no backslash, control character or half a character in it";
  }
}

/** Leaves as it is what a URL leaves as it is in a path. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /%(?:24|26|2B|2C|3A|3B|3D|40)/g,
    decodeURIComponent,
  );
}

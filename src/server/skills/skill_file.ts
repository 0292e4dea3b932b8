import type { ReadResourceCallback } from "../catalog/resource.ts";

const BY_EXTENSION: ReadonlyMap<string, string> = new Map(Object.entries({
  css: "text/css",
  csv: "text/csv",
  gif: "image/gif",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  md: "text/markdown",
  mjs: "text/javascript",
  pdf: "application/pdf",
  png: "image/png",
  py: "text/x-python",
  sh: "application/x-sh",
  svg: "image/svg+xml",
  toml: "application/toml",
  ts: "text/typescript",
  webp: "image/webp",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
  zip: "application/zip",
}));

/** Content of a skill's file: text, bytes, or what makes it at each read. */
export type SkillContent<Lifespan = unknown> =
  | string
  | Uint8Array
  | ReadResourceCallback<Lifespan>;

/** A file of a skill. */
export interface SkillFile<Lifespan = unknown> {
  /** Path of it within the skill, such as `references/FORMS.md`. */
  readonly path: string;
  /** Type that its name or its content says it has. */
  readonly mimeType: string | undefined;
  /** Number of bytes and their digest; nothing for a file made when read. */
  readonly fixed:
    | { readonly size: number; readonly digest: string }
    | undefined;
  /** Reads it. */
  readonly read: ReadResourceCallback<Lifespan>;
}

/** Number of bytes of a content; none that is not made yet. */
export function sizeOf(content: SkillContent<never>): number {
  if (typeof content === "function") return 0;
  return toBytes(content).byteLength;
}

/** The text of a content, if its bytes are UTF-8 and nothing else. */
export function toText(content: string | Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(toBytes(content));
  } catch {
    return undefined;
  }
}

/** Makes a file of what is in it. */
export async function makeSkillFile<Lifespan>(
  path: string,
  content: SkillContent<Lifespan>,
): Promise<SkillFile<Lifespan>> {
  if (typeof content === "function") {
    return {
      path,
      mimeType: mediaTypeOf(path),
      fixed: undefined,
      read: content,
    };
  }
  // A copy: what the digest stands for must not change in its author's hands.
  const bytes = toBytes(content).slice();
  const text = toText(bytes);
  const value = text ?? bytes;
  return {
    path,
    mimeType: mediaTypeOf(path) ??
      (text === undefined ? "application/octet-stream" : "text/plain"),
    fixed: { size: bytes.byteLength, digest: await digestOf(bytes) },
    read: () => value,
  };
}

function toBytes(content: string | Uint8Array): Uint8Array<ArrayBufferLike> {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  const hex = Array.from(
    new Uint8Array(hash),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  return `sha256:${hex.join("")}`;
}

/** The media type that a file's name stands for, if it is one of the usual. */
function mediaTypeOf(name: string): string | undefined {
  return BY_EXTENSION.get(/\.([^./]+)$/.exec(name)?.[1].toLowerCase() ?? "");
}

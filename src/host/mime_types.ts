/** Media types by the end of a file's name. */
const TYPES: Readonly<Record<string, string>> = {
  avif: "image/avif",
  bmp: "image/bmp",
  c: "text/x-c",
  css: "text/css",
  csv: "text/csv",
  gif: "image/gif",
  gz: "application/gzip",
  htm: "text/html",
  html: "text/html",
  ico: "image/x-icon",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  jsonl: "application/jsonl",
  log: "text/plain",
  md: "text/markdown",
  mjs: "text/javascript",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  ogg: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  py: "text/x-python",
  rs: "text/x-rust",
  sh: "application/x-sh",
  sql: "application/sql",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  toml: "application/toml",
  ts: "text/x-typescript",
  tsv: "text/tab-separated-values",
  txt: "text/plain",
  wasm: "application/wasm",
  wav: "audio/wav",
  webm: "video/webm",
  webp: "image/webp",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
  zip: "application/zip",
};

/** What is said of a directory. */
export const DIRECTORY_TYPE = "inode/directory";

/** The media type of a file of a name, if its end tells one. */
export function mimeTypeOf(
  name: string,
  added: Readonly<Record<string, string>>,
): string | undefined {
  const end = /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? "";
  const types = Object.hasOwn(added, end) ? added : TYPES;
  return Object.hasOwn(types, end) ? types[end] : undefined;
}

/** Tells if what has a media type is text. */
export function isTextual(mimeType: string): boolean {
  return /^text\/|[/+-](?:json|jsonl|xml|yaml|toml|sql|sh)$/.test(mimeType);
}

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

/** The media type that a file's name stands for, if it is one of the usual. */
export function mediaTypeOf(name: string): string | undefined {
  return BY_EXTENSION.get(/\.([^./]+)$/.exec(name)?.[1].toLowerCase() ?? "");
}

import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import {
  InvalidParamsError,
  ResourceNotFoundError,
} from "../protocol/protocol_errors.ts";
import { Semaphore } from "../limit/semaphore.ts";
import type { ReadResourceResult, Resource } from "../protocol/types.ts";
import { UriTemplate } from "../protocol/uri_template.ts";
import type {
  ReadResourceTemplateCallback,
  ResourceConfig,
} from "../server/catalog/resource.ts";
import { ResourceTemplate } from "../server/catalog/resource_template.ts";
import { FileTree, type FoundFile } from "./file_tree.ts";
import { DIRECTORY_TYPE, isTextual, mimeTypeOf } from "./mime_types.ts";

/** Settings for serving the files of a directory. */
export interface FilesOptions {
  /** The directory; nothing outside of it is served. */
  root: string | URL;
  /** The form of the URIs, which ends in `{+path}`, such as `docs:///{+path}`. */
  uri: string;
  /**
   * Serve what has a name that begins with a dot, or is in such a directory.
   * @default false
   */
  hidden?: boolean;
  /**
   * Bytes of a file that one read gives; a bigger one is read in parts.
   * @default 4194304
   */
  maxBytes?: number;
  /**
   * Number of entries of a directory that one read gives.
   * @default 200
   */
  pageSize?: number;
  /**
   * Media types by the end of the name, such as `{ log: "text/x-log" }`, before
   * those that are known.
   */
  mimeTypes?: Readonly<Record<string, string>>;
}

const FILES_OPTIONS = {
  root: option.optional<FilesOptions["root"]>(),
  uri: option.optional<string>(),
  hidden: option.flag(false),
  maxBytes: option.integer(4_194_304, 1),
  pageSize: option.integer(200, 1),
  mimeTypes: option.object<FilesOptions["mimeTypes"]>(),
} satisfies OptionRules<FilesOptions>;

/** Reads that may hold a file's bytes in memory at once. */
const READS_AT_ONCE = 16;

/** What `registerResource` takes after the name. */
export type FilesResource = [
  template: ResourceTemplate,
  config: ResourceConfig,
  read: ReadResourceTemplateCallback,
];

/**
 * Serves the files of a directory, as they are when they are read: text as text,
 * anything else as a blob. `?range=0-1023` reads a part (also `1024-`, and `-500`
 * for the last 500 bytes), and `_meta["io.sluice/range"]` then says which part of
 * how much it is. A directory is read as JSON: its `entries`, and the URI of the
 * `next` page if there is one. `resources/list` has what is in the root itself.
 *
 * Names are taken literally: no `..`, no link that leads out of the root, nothing
 * that begins with a dot, and no device or pipe. What hard links lead to can't be
 * told from a file of its own. Deno's `--allow-read` of the root is all that the
 * process needs, and a second fence.
 *
 * @throws {InvalidOptionError} naming the option
 *
 * @example
 * ```ts
 * import { files, McpServer } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "docs", version: "1.0.0" });
 * server.registerResource(
 *   "docs",
 *   ...files({ root: "docs", uri: "docs:///{+path}" }),
 * );
 * ```
 */
export function files(options: FilesOptions): FilesResource {
  const served = new ServedFiles(options);
  const turns = new Semaphore(READS_AT_ONCE);
  return [
    new ResourceTemplate(`${options.uri}{?range,after}`, {
      list: () => served.list(),
    }),
    { description: "Files, and directories as lists of what is in them" },
    async (uri, { path, range, after }, { signal }) => {
      using _turn = await turns.acquire({ signal });
      return await served.read(
        uri.href,
        text(path)!,
        text(range),
        text(after),
      );
    },
  ];
}

/** A directory's files as resources. */
class ServedFiles {
  readonly #tree: FileTree;
  readonly #form: UriTemplate;
  readonly #maxBytes: number;
  readonly #pageSize: number;
  readonly #mimeTypes: Readonly<Record<string, string>>;

  constructor(options: FilesOptions) {
    const { hidden, maxBytes, pageSize, mimeTypes = {} } = readOptions(
      "files",
      options,
      FILES_OPTIONS,
      "files: ",
    );
    this.#tree = new FileTree(checkRoot(options.root), hidden);
    this.#form = new UriTemplate(checkForm(options.uri));
    this.#maxBytes = maxBytes;
    this.#pageSize = pageSize;
    this.#mimeTypes = mimeTypes;
  }

  /** What is in the root. */
  async list(): Promise<{ resources: Resource[] }> {
    const names = await this.#tree.list([]);
    const found = await Promise.all(names.map((name) => this.#entry([], name)));
    return {
      resources: found.filter((each) => each !== undefined)
        .map(({ name, uri, mimeType, size }) => ({
          name,
          uri,
          mimeType,
          size,
        })),
    };
  }

  /** @throws {ResourceNotFoundError | InvalidParamsError} */
  async read(
    uri: string,
    path: string,
    range: string | undefined,
    after: string | undefined,
  ): Promise<ReadResourceResult> {
    const names = path.replace(/\/$/, "").split("/").map(decodeURIComponent);
    const found = await this.#tree.find(names);
    if (found?.stats.isDirectory()) {
      return await this.#readDirectory(uri, names, after);
    }
    const read = found && await this.#readFile(uri, names, range);
    if (read === undefined) throw new ResourceNotFoundError(uri);
    return read;
  }

  async #readFile(
    uri: string,
    names: readonly string[],
    range: string | undefined,
  ): Promise<ReadResourceResult | undefined> {
    await using file = await this.#tree.open(names);
    if (file === undefined) return undefined;
    const { size } = file;
    if (range === undefined && size > this.#maxBytes) {
      throw new InvalidParamsError(
        `Invalid params: ${uri} has ${size} bytes, and one read gives at most ` +
          `${this.#maxBytes}: read it in parts, such as ?range=0-${
            this.#maxBytes - 1
          }`,
        { uri, size, maxBytes: this.#maxBytes },
      );
    }
    const [start, length] = range === undefined
      ? [0, size]
      : partOf(range, size, uri);
    const bytes = await file.read(start, Math.min(length, this.#maxBytes));
    const part = range !== undefined && {
      _meta: {
        "io.sluice/range": { start, end: start + bytes.length - 1, size },
      },
    };
    return {
      contents: [{ uri, ...this.#contentOf(names.at(-1)!, bytes), ...part }],
    };
  }

  #contentOf(
    name: string,
    bytes: Uint8Array,
  ): { mimeType: string; text: string } | { mimeType: string; blob: string } {
    const known = mimeTypeOf(name, this.#mimeTypes);
    const text = known === undefined || isTextual(known)
      ? textOf(bytes)
      : undefined;
    return text === undefined
      ? {
        mimeType: known ?? "application/octet-stream",
        blob: bytes.toBase64(),
      }
      : { mimeType: known ?? "text/plain", text };
  }

  async #readDirectory(
    uri: string,
    names: readonly string[],
    after: string | undefined,
  ): Promise<ReadResourceResult> {
    const last = after === undefined ? "" : decodeURIComponent(after);
    const left = (await this.#tree.list(names)).filter((name) => name > last);
    const page = left.slice(0, this.#pageSize);
    const found = await Promise.all(
      page.map((name) => this.#entry(names, name)),
    );
    const listed = {
      entries: found.filter((each) => each !== undefined),
      ...(left.length > page.length && {
        next: `${this.#uriOf(names)}?after=${encodeURIComponent(page.at(-1)!)}`,
      }),
    };
    return {
      contents: [{
        uri,
        mimeType: "application/json",
        text: JSON.stringify(listed),
      }],
    };
  }

  async #entry(names: readonly string[], name: string) {
    const path = [...names, name];
    const found = await this.#tree.find(path);
    if (found === undefined || !isServed(found)) return undefined;
    const { stats } = found;
    const isDirectory = stats.isDirectory();
    return {
      name,
      uri: this.#uriOf(path),
      type: isDirectory ? "directory" : "file",
      mimeType: isDirectory
        ? DIRECTORY_TYPE
        : mimeTypeOf(name, this.#mimeTypes),
      ...(!isDirectory && { size: stats.size }),
      lastModified: stats.mtime.toISOString(),
    };
  }

  #uriOf(names: readonly string[]): string {
    return this.#form.expand({ path: names.map(encodeURIComponent).join("/") });
  }
}

function isServed({ stats }: FoundFile): boolean {
  return stats.isFile() || stats.isDirectory();
}

/** What a file says in UTF-8, if it is text. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return undefined;
  }
}

/** @throws {InvalidParamsError} for what is no range, or beyond the file */
function partOf(
  range: string,
  size: number,
  uri: string,
): [start: number, length: number] {
  const [, first, last, suffix] =
    /^(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/.exec(range) ?? [];
  const start = suffix === undefined
    ? Number(first)
    : Math.max(0, size - Number(suffix));
  const end = last === undefined ? size - 1 : Math.min(Number(last), size - 1);
  if (start <= end) return [start, end - start + 1];
  throw new InvalidParamsError(
    `Invalid params: range ${quote(range)} of ${uri} must be as in 0-1023, ` +
      `1024- or -500, and within its ${size} bytes`,
    { uri, size },
  );
}

function text(value: string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** @throws {InvalidOptionError} for what is no directory */
function checkRoot(root: string | URL): string | URL {
  if (typeof root === "string" || root instanceof URL) {
    try {
      if (Deno.statSync(root).isDirectory) return root;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new InvalidOptionError(
    `files: root must be a directory, got ${quote(String(root))}`,
  );
}

/** @throws {InvalidOptionError} */
function checkForm(uri: string): string {
  if (typeof uri === "string" && /^[^{}?#]+\{\+path\}$/.test(uri)) return uri;
  throw new InvalidOptionError(
    `files: uri must end in {+path} and have no other variable, as in ` +
      `"docs:///{+path}", got ${quote(uri)}`,
  );
}

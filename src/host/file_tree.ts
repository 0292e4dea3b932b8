import type { FileHandle } from "node:fs/promises";
import type { Stats } from "node:fs";

/** What says that there is nothing to be had at a path. */
const ABSENT = new Set([
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "EACCES",
  "ENAMETOOLONG",
]);

/** A file or a directory within the root, by its true path. */
export interface FoundFile {
  readonly path: string;
  readonly stats: Stats;
}

/** A file that is open, and certainly within the root. */
export interface OpenedFile extends AsyncDisposable {
  readonly size: number;
  /** The bytes from a position on, as many as asked for or as there are. */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** Loaded at the first use: most servers have no files (bench/startup.ts). */
const fileSystem = () => import("node:fs/promises");

/**
 * The files below a directory, and nothing else: what a symbolic link leads to
 * outside of it is not there. A file is opened first and then asked where it is, so
 * that a link that is put in its way meanwhile is noticed.
 */
export class FileTree {
  readonly #root: string | URL;
  readonly #hidden: boolean;

  /** @param hidden whether names that begin with a dot are there */
  constructor(root: string | URL, hidden: boolean) {
    this.#root = root;
    this.#hidden = hidden;
  }

  /** What is at a path, given by its names; `undefined` if nothing is. */
  async find(names: readonly string[]): Promise<FoundFile | undefined> {
    if (!names.every((name) => this.#isName(name))) return undefined;
    const { lstat, realpath } = await fileSystem();
    const root = await ifPresent(() => realpath(this.#root));
    if (root === undefined) throw new Error("the root of the files is gone");
    return await ifPresent(async () => {
      const path = await realpath([root, ...names].join("/"));
      const stats = await lstat(path);
      return this.#isWithin(root, path) ? { path, stats } : undefined;
    });
  }

  #isName(name: string): boolean {
    return name !== "" && name !== "." && name !== ".." &&
      !/[/\\\p{Cc}]/u.test(name) && (this.#hidden || !name.startsWith("."));
  }

  #isWithin(root: string, path: string): boolean {
    if (path === root) return true;
    const base = /[\\/]$/.test(root) ? root : root + separatorOf(root);
    return path.startsWith(base) &&
      (this.#hidden || !/(?:^|[\\/])\./.test(path.slice(base.length)));
  }

  /** The file at a path; `undefined` if none is, or it is no longer the one found. */
  async open(names: readonly string[]): Promise<OpenedFile | undefined> {
    const found = await this.find(names);
    if (!found?.stats.isFile()) return undefined;
    const handle = await this.#openWithin(found, names);
    if (handle === undefined) return undefined;
    const stats = await handle.stat();
    if (stats.isFile()) return opened(handle, stats.size);
    await handle.close();
    return undefined;
  }

  /** The names in a directory, in order. */
  async list(names: readonly string[]): Promise<string[]> {
    const { readdir } = await fileSystem();
    const found = await this.find(names);
    if (!found?.stats.isDirectory()) return [];
    const handle = await this.#openWithin(found, names);
    if (handle === undefined) return [];
    try {
      const path = await isTold() ? link(handle) : found.path;
      return (await ifPresent(() => readdir(path)) ?? [])
        .filter((name) => this.#isName(name)).sort();
    } finally {
      await handle.close();
    }
  }

  /** What was found, opened; `undefined` if something else was put in its place. */
  async #openWithin(
    found: FoundFile,
    names: readonly string[],
  ): Promise<FileHandle | undefined> {
    const { constants, open } = await fileSystem();
    // Neither what a link leads to nor a pipe that nobody writes to.
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    const handle = await ifPresent(() => open(found.path, flags));
    if (handle === undefined) return undefined;
    let holds = false;
    try {
      holds = await this.#holds(handle, names);
    } finally {
      if (!holds) await handle.close();
    }
    return holds ? handle : undefined;
  }

  /** Whether what is open lies within the root: as the system tells, else as a second look does. */
  async #holds(handle: FileHandle, names: readonly string[]): Promise<boolean> {
    const { readlink, realpath } = await fileSystem();
    if (await isTold()) {
      const root = await ifPresent(() => realpath(this.#root));
      return root !== undefined &&
        this.#isWithin(root, await readlink(link(handle)));
    }
    const again = await this.find(names);
    return again !== undefined && isSame(again.stats, await handle.stat());
  }
}

function opened(handle: FileHandle, size: number): OpenedFile {
  return {
    size,
    async read(start, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - start)));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(
          bytes,
          filled,
          bytes.length - filled,
          start + filled,
        );
        // It has become shorter.
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Where Linux tells what a descriptor has open, whatever its path leads to by now. */
function link(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

/** Whether it may be asked: Deno wants `--allow-all` for it, and would ask a terminal. */
function isTold(): Promise<boolean> {
  return told ??= mayAsk();
}

let told: Promise<boolean> | undefined;

async function mayAsk(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const { state } = await Deno.permissions.query({ name: "read" });
  if (state !== "granted") return false;
  const { readlink } = await fileSystem();
  return await readlink("/proc/self/exe").then(() => true, () => false);
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function separatorOf(path: string): string {
  return path.includes("\\") ? "\\" : "/";
}

/** @throws {Error} for what is no answer; its message names no path, as clients see it */
async function ifPresent<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    if (ABSENT.has(code ?? "")) return undefined;
    throw new Error(`the file system says ${code ?? name}`, { cause: error });
  }
}

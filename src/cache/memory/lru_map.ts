/** Entry of an {@linkcode LruMap}; a cache's own entries extend it. */
export class LruEntry {
  /** The entry used next after this one. */
  newer: this | undefined = undefined;
  /** The entry used last before this one. */
  older: this | undefined = undefined;

  constructor(readonly key: string, readonly size: number) {}
}

/** Options of an {@linkcode LruMap}. */
export interface LruMapOptions<E extends LruEntry> {
  /** The most entries. */
  maxEntries: number;
  /** The most that the sizes of all entries may come to. */
  maxSize: number;
  /**
   * Told of every entry that leaves, whether it had to make room
   * (`evicted`) or was replaced, deleted or cleared.
   */
  onRemove: (entry: E, evicted: boolean) => void;
}

/**
 * A map that lets its least recently used entries go when it is full. Entries
 * carry their own links: a hit costs one look-up and a few assignments
 * (bench/cache/memory.ts).
 */
export class LruMap<E extends LruEntry> {
  readonly #entries: Map<string, E> = new Map();
  readonly #maxEntries: number;
  readonly #maxSize: number;
  readonly #onRemove: (entry: E, evicted: boolean) => void;
  #newest: E | undefined;
  #oldest: E | undefined;
  #totalSize = 0;

  constructor({ maxEntries, maxSize, onRemove }: LruMapOptions<E>) {
    this.#maxEntries = maxEntries;
    this.#maxSize = maxSize;
    this.#onRemove = onRemove;
  }

  /** Number of entries. */
  get length(): number {
    return this.#entries.size;
  }

  /** Sum of the sizes of all entries. */
  get totalSize(): number {
    return this.#totalSize;
  }

  /** The entry under a key, which is the most recently used from now on. */
  get(key: string): E | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry;
  }

  /** The entry under a key; this is no use of it. */
  peek(key: string): E | undefined {
    return this.#entries.get(key);
  }

  /** Adds an entry in place of any other under its key, and makes room for it. */
  add(entry: E): void {
    this.delete(entry.key);
    while (this.#oldest !== undefined && this.#isFullFor(entry)) {
      this.#remove(this.#oldest, true);
    }
    this.#entries.set(entry.key, entry);
    this.#link(entry);
    this.#totalSize += entry.size;
  }

  /** Removes the entry under a key, and says whether there was one. */
  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(entry, false);
    return true;
  }

  /** Removes every entry. */
  clear(): void {
    while (this.#oldest !== undefined) this.#remove(this.#oldest, false);
  }

  #isFullFor({ size }: E): boolean {
    return this.#entries.size >= this.#maxEntries ||
      this.#totalSize + size > this.#maxSize;
  }

  #remove(entry: E, evicted: boolean): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
    this.#totalSize -= entry.size;
    this.#onRemove(entry, evicted);
  }

  #link(entry: E): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: E): void {
    const { newer, older } = entry;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    entry.newer = undefined;
    entry.older = undefined;
  }
}

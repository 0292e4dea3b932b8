import type { CacheClaim, MaybePromise } from "./cache_store.ts";

/** Open until the entry it watches is set, deleted or invalidated. */
export interface Fence {
  readonly open: boolean;
  /** Ends the watch. */
  remove(): void;
}

/**
 * Watches the entries that are being loaded, so that a value which was
 * invalidated under way isn't kept.
 */
export class Fences {
  readonly #byKey = new Map<string, Set<KeyFence>>();

  /** Without tags the entry may turn out to have any. */
  add(key: string, tags?: readonly string[]): Fence {
    const fence = new KeyFence(this.#byKey, key, tags);
    const fences = this.#byKey.get(key);
    if (fences === undefined) this.#byKey.set(key, new Set([fence]));
    else fences.add(fence);
    return fence;
  }

  closeKey(key: string): void {
    if (this.#byKey.size === 0) return;
    this.#byKey.get(key)?.forEach(close);
  }

  closeTag(tag: string): void {
    for (const fences of this.#byKey.values()) {
      for (const fence of fences) {
        if (fence.tags?.includes(tag) ?? true) close(fence);
      }
    }
  }

  closeAll(): void {
    for (const fences of this.#byKey.values()) fences.forEach(close);
  }
}

class KeyFence implements Fence {
  open = true;

  constructor(
    readonly byKey: Map<string, Set<KeyFence>>,
    readonly key: string,
    readonly tags: readonly string[] | undefined,
  ) {}

  remove(): void {
    const fences = this.byKey.get(this.key);
    if (fences?.delete(this) && fences.size === 0) this.byKey.delete(this.key);
  }
}

function close(fence: KeyFence): void {
  fence.open = false;
}

/** The claim of a load that is kept only if its fence is open at the end. */
export function claimBehind<V>(
  fence: Fence,
  keep: (value: V) => MaybePromise<unknown>,
): CacheClaim<V> {
  return {
    commit(value) {
      fence.remove();
      if (!fence.open) return false;
      const keeping = keep(value);
      return keeping instanceof Promise ? keeping.then(() => true) : true;
    },
    release: () => fence.remove(),
  };
}

import type { Engine } from "./engine.ts";
import type { ListingEntry } from "./listing.ts";

/** A registration as one server shows it: a mounted one has another key there. */
export interface Slot<Item> {
  readonly key: string;
  readonly item: Item;
  /** The server that the item was registered with. */
  readonly owner: Engine;
}

/** What every kind of registration can do. */
interface Registered {
  readonly enabled: boolean;
  readonly removed: boolean;
}

/**
 * The registrations of one kind: those of the server itself, in their order,
 * and those of the servers mounted into it, under a prefix.
 */
export class Collection<Item extends Registered> {
  readonly #kind: string;
  readonly #owner: Engine;
  readonly #prefix: (prefix: string, key: string) => string;
  readonly #onChange: () => void;
  readonly #own: Map<string, Item> = new Map();
  readonly #mounts: { prefix: string; from: Collection<Item> }[] = [];
  readonly #mountedInto: Collection<Item>[] = [];
  #slots: Map<string, Slot<Item>> | undefined;

  constructor(
    kind: string,
    owner: Engine,
    prefix: (prefix: string, key: string) => string,
    onChange: () => void,
  ) {
    this.#kind = kind;
    this.#owner = owner;
    this.#prefix = prefix;
    this.#onChange = onChange;
  }

  /** @throws {TypeError} if the key is taken */
  add(key: string, item: Item): void {
    if (this.#own.has(key)) {
      throw new TypeError(`${this.#kind} ${key} is already registered`);
    }
    this.#own.set(key, item);
    this.changed();
  }

  /** Follows an item to its new key, or out of the collection once removed. */
  move(item: Item, from: string, to: string): void {
    const stays = !item.removed;
    if (this.#own.get(from) === item && !(stays && from === to)) {
      this.#own.delete(from);
    }
    if (stays && this.#own.get(to) !== item) this.#own.set(to, item);
    this.changed();
  }

  mount(prefix: string, from: Collection<Item>): void {
    this.#mounts.push({ prefix, from });
    from.#mountedInto.push(this);
    this.changed();
  }

  /** Forgets the index and tells whoever shows this collection. */
  changed(): void {
    this.#slots = undefined;
    this.#onChange();
    for (const parent of this.#mountedInto) parent.changed();
  }

  get slots(): ReadonlyMap<string, Slot<Item>> {
    return this.#slots ??= this.#index();
  }

  /** The enabled registrations. */
  *enabled(): Iterable<Slot<Item>> {
    for (const slot of this.slots.values()) if (slot.item.enabled) yield slot;
  }

  get size(): number {
    return this.slots.size;
  }

  #index(): Map<string, Slot<Item>> {
    const slots = new Map<string, Slot<Item>>();
    for (const [key, item] of this.#own) {
      slots.set(key, { key, item, owner: this.#owner });
    }
    for (const { prefix, from } of this.#mounts) {
      for (const { key, item, owner } of from.slots.values()) {
        const prefixed = this.#prefix(prefix, key);
        if (!slots.has(prefixed)) {
          slots.set(prefixed, { key: prefixed, item, owner });
        }
      }
    }
    return slots;
  }
}

/** Turns slots into the lines of a list. */
export function entriesOf<Item extends Registered>(
  collection: Collection<Item>,
  entry: (slot: Slot<Item>) => ListingEntry,
): () => ListingEntry[] {
  return () => Array.from(collection.enabled(), entry);
}

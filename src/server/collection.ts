import { quote } from "../base/options.ts";
import { CallRecord } from "../observe/metrics/call_record.ts";
import type { Engine } from "./engine.ts";
import type { ListingEntry } from "./listing.ts";

/** A registration as one server shows it: a mounted one has another key there. */
export interface Slot<Item> {
  readonly key: string;
  readonly item: Item;
  /** The server that the item was registered with. */
  readonly owner: Engine;
  /** What its calls under this key have come to: each server counts its own. */
  readonly record: CallRecord;
}

/** What every kind of registration can do. */
interface Registered {
  readonly enabled: boolean;
  readonly removed: boolean;
  readonly record: CallRecord;
}

/** Another server's registrations, shown under a prefix. */
interface Mount<Item extends Registered> {
  readonly prefix: string;
  readonly from: Collection<Item>;
  /** What is counted here, by the record of the slot that is shown. */
  readonly records: WeakMap<CallRecord, CallRecord>;
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
  readonly #mounts: Mount<Item>[] = [];
  readonly #mountedInto: Collection<Item>[] = [];
  /** Keys of mounted registrations that something else took. */
  readonly #hidden: Set<string> = new Set();
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
    this.#mounts.push({ prefix, from, records: new WeakMap() });
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
      slots.set(key, { key, item, owner: this.#owner, record: item.record });
    }
    for (const { prefix, from, records } of this.#mounts) {
      for (const slot of from.slots.values()) {
        const key = this.#prefix(prefix, slot.key);
        if (slots.has(key)) {
          this.#tellHidden(prefix, key);
          continue;
        }
        const record = records.get(slot.record) ?? new CallRecord();
        records.set(slot.record, record);
        slots.set(key, { ...slot, key, record });
      }
    }
    return slots;
  }

  /** Once per key: the index is made anew with every change. */
  #tellHidden(prefix: string, key: string): void {
    if (this.#hidden.has(key)) return;
    this.#hidden.add(key);
    this.#owner.warn(
      `${this.#kind} ${key} of the server mounted under ${quote(prefix)} is ` +
        "hidden: another one has that name here",
    );
  }
}

/** Turns slots into the lines of a list. */
export function entriesOf<Item extends Registered>(
  collection: Collection<Item>,
  entry: (slot: Slot<Item>) => ListingEntry,
): () => ListingEntry[] {
  return () => Array.from(collection.enabled(), entry);
}

import { quote } from "../../base/options.ts";
import { CallRecord } from "../../observe/metrics/call_record.ts";
import type { HandlerOwner } from "../calls/call.ts";
import type { Guard } from "../identity/guard.ts";
import type { ListingEntry } from "./listing.ts";

/** A registration as one server shows it: a mounted one has another key there. */
export interface Slot<Item> {
  readonly key: string;
  readonly item: Item;
  /** The server that the item was registered with. */
  readonly owner: HandlerOwner;
  /** Scopes of that server, and of all that it is mounted into on the way. */
  readonly scopes: readonly string[];
  /** Prefixes of the mounts on the way to it, with slashes between them. */
  readonly prefix: string;
  /** Record of its calls under this key: each server counts its own. */
  readonly record: CallRecord;
}

/** Members that every kind of registration has. */
interface Registered {
  readonly guard: Guard | undefined;
  readonly enabled: boolean;
  readonly removed: boolean;
  readonly record: CallRecord;
}

/** Another server's registrations, shown under a prefix. */
interface Mount<Item extends Registered> {
  readonly prefix: string;
  readonly from: Collection<Item>;
  /** Records of the counts here, by the record of the slot that is shown. */
  readonly records: WeakMap<CallRecord, CallRecord>;
}

/** Settings for keeping a collection. */
export interface CollectionOptions {
  /** Name of one of its registrations, as in `Tool`. */
  readonly kind: string;
  /** Owner of the handlers they have. */
  readonly owner: HandlerOwner;
  /** The key that a mounted registration has here. */
  prefix(prefix: string, key: string): string;
  /** Told of every change. */
  changed(): void;
  /** Tells the operator of a registration that can't be seen. */
  warn(message: string): void;
}

/**
 * The registrations of one kind: those of the server itself, in their order,
 * and those of the servers mounted into it, under a prefix.
 */
export class Collection<Item extends Registered> {
  readonly #options: CollectionOptions;
  readonly #own: Map<string, Item> = new Map();
  readonly #mounts: Mount<Item>[] = [];
  readonly #mountedInto: Collection<Item>[] = [];
  /** Keys of mounted registrations that something else took. */
  readonly #hidden: Set<string> = new Set();
  #slots: Map<string, Slot<Item>> | undefined;

  constructor(options: CollectionOptions) {
    this.#options = options;
  }

  /** @throws {TypeError} if the key is taken */
  add(key: string, item: Item): void {
    if (this.#own.has(key)) {
      throw new TypeError(`${this.#options.kind} ${key} is already registered`);
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
    this.#options.changed();
    for (const parent of this.#mountedInto) parent.changed();
  }

  get slots(): ReadonlyMap<string, Slot<Item>> {
    return this.#slots ??= this.#index();
  }

  /** The enabled registrations. */
  enabled(): Slot<Item>[] {
    return Array.from(this.slots.values()).filter(({ item }) => item.enabled);
  }

  get size(): number {
    return this.slots.size;
  }

  #index(): Map<string, Slot<Item>> {
    const { owner, prefix: prefixed } = this.#options;
    const slots = new Map<string, Slot<Item>>();
    for (const [key, item] of this.#own) {
      const { record } = item;
      const { scopes } = owner;
      slots.set(key, { key, item, owner, scopes, prefix: "", record });
    }
    for (const { prefix, from, records } of this.#mounts) {
      for (const slot of from.slots.values()) {
        const key = prefixed(prefix, slot.key);
        if (slots.has(key)) {
          this.#tellHidden(prefix, key);
          continue;
        }
        const record = records.get(slot.record) ?? new CallRecord();
        records.set(slot.record, record);
        const scopes = [...owner.scopes, ...slot.scopes];
        const path = slot.prefix === "" ? prefix : `${prefix}/${slot.prefix}`;
        slots.set(key, { ...slot, key, scopes, prefix: path, record });
      }
    }
    return slots;
  }

  /** Once per key: the index is made anew with every change. */
  #tellHidden(prefix: string, key: string): void {
    if (this.#hidden.has(key)) return;
    this.#hidden.add(key);
    this.#options.warn(
      `${this.#options.kind} ${key} of the server mounted under ${
        quote(prefix)
      } is ` +
        "hidden: another one has that name here",
    );
  }
}

/** The lines of a list, of what is enabled in a collection. */
export function entriesOf<Item extends Registered>(
  collection: Collection<Item>,
  entry: (slot: Slot<Item>) => ListingEntry,
): ListingEntry[] {
  return collection.enabled().map((slot) => guarded(entry(slot), slot));
}

/** An entry with who keeps it from whom. */
export function guarded(
  entry: ListingEntry,
  { item: { guard }, scopes }: Slot<Registered>,
): ListingEntry {
  return guard?.isSelective ? { ...entry, access: { guard, scopes } } : entry;
}

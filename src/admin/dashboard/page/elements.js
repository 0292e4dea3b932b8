/** Makes and changes elements. Text is only ever set as text. */

/** Makes an element: its class, and what it holds. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** A name, in pieces between which a line may end. */
export function breakable(name) {
  return name.split(/(?<=[_.:/-])/).flatMap((piece, at) =>
    at === 0 ? [piece] : [element("wbr"), piece]
  );
}

/** Sets an element's text, if it is another. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets an element's class, if it is another. */
export function setClass(target, className) {
  if (target.className !== className) target.className = className;
}

/** The head of a table's column. */
export function columnHead(content, className = "") {
  const head = element("th", className, content);
  head.scope = "col";
  return head;
}

/**
 * Keeps the children of `parent` in the order of `items`: one child per key, kept
 * for as long as its key is there.
 */
export class KeyedChildren {
  #parent;
  #make;
  #update;
  #byKey = new Map();

  /**
   * @param make makes the child of a new key and its first item: an object with
   * its `root`
   * @param update puts an item into what `make` has made
   */
  constructor(parent, make, update) {
    this.#parent = parent;
    this.#make = make;
    this.#update = update;
  }

  /** @param items pairs of key and item */
  show(items) {
    const gone = new Map(this.#byKey);
    let place = this.#parent.firstChild;
    for (const [key, item] of items) {
      let child = this.#byKey.get(key);
      if (child === undefined) {
        this.#byKey.set(key, child = this.#make(key, item));
      }
      gone.delete(key);
      if (child.root === place) place = place.nextSibling;
      else this.#parent.insertBefore(child.root, place);
      this.#update(child, item);
    }
    for (const [key, { root }] of gone) {
      root.remove();
      this.#byKey.delete(key);
    }
  }
}

/** Names and figures, one pair a line; a word where there is none. */
export class Facts {
  #list = element("dl", "facts");
  #empty = element("p", "empty");
  #rows;

  constructor(parent, whenEmpty = "") {
    this.#empty.textContent = whenEmpty;
    parent.append(this.#list, this.#empty);
    this.#rows = new Map();
  }

  /** @param facts pairs of name and text */
  show(facts) {
    this.#empty.hidden = facts.length > 0;
    const names = facts.map(([name]) => name);
    if (names.join("\n") !== [...this.#rows.keys()].join("\n")) {
      this.#rebuild(names);
    }
    for (const [name, text] of facts) setText(this.#rows.get(name), text);
  }

  #rebuild(names) {
    this.#rows = new Map(names.map((name) => [name, element("dd")]));
    this.#list.replaceChildren(
      ...[...this.#rows].flatMap(([name, cell]) => [
        element("dt", "", name),
        cell,
      ]),
    );
  }
}

// What the widget keeps in the browser lies on shelves: one that all tabs of the site share and
// that lasts, one of the tab alone that survives a reload. Where the browser forbids both, a shelf
// in memory takes their place and says so.

/** Named texts that outlive a page, as far as the browser lets them. */
export interface Shelf {
  /** Whether what is put here is still there after a reload. */
  readonly lasting: boolean;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  remove(name: string): void;
  names(): string[];
  /** Calls back when another tab changes something. */
  onChange(changed: (name: string) => void): void;
}

/** The shelf that all tabs share. */
export function sharedShelf(site: string): Shelf {
  return shelf(() => localStorage, `vigie:${site}:`);
}

/** The tab's own shelf. */
export function tabShelf(site: string): Shelf {
  return shelf(() => sessionStorage, `vigie:${site}:`);
}

function shelf(open: () => Storage, prefix: string): Shelf {
  try {
    const storage = open();
    // Some browsers hand out a storage that refuses every write.
    storage.setItem(prefix, "");
    storage.removeItem(prefix);
    return shelfIn(storage, prefix, true);
  } catch {
    return shelfIn(new Memory() as unknown as Storage, prefix, false);
  }
}

function shelfIn(storage: Storage, prefix: string, lasting: boolean): Shelf {
  const own = (key: string) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []);
  return {
    lasting,
    get: (name) => storage.getItem(prefix + name) ?? undefined,
    set(name, value) {
      try {
        storage.setItem(prefix + name, value);
      } catch {
        // It is full: what it has no room for lives as long as the page.
      }
    },
    remove: (name) => storage.removeItem(prefix + name),
    names: () => Object.keys(storage).flatMap(own),
    onChange(changed) {
      addEventListener("storage", ({ storageArea, key }) => {
        if (storageArea === storage && key !== null) {
          own(key).forEach(changed);
        }
      });
    },
  };
}

/** What of a browser's storage is used here, in memory: names are properties there as well. */
class Memory {
  [name: string]: unknown;

  getItem(name: string): unknown {
    return this[name];
  }

  setItem(name: string, value: string): void {
    this[name] = value;
  }

  removeItem(name: string): void {
    delete this[name];
  }
}

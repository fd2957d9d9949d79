// What the widget keeps in the browser lies on shelves: one that all tabs of the site share and
// that lasts, one of the tab alone that survives a reload. Where the browser forbids both, a shelf
// in memory takes their place and says so.

/** Named texts that outlive a page, as far as the browser lets them. */
export interface Shelf {
  /** Whether what is put here is still there after a reload. */
  readonly lasting: boolean;
  get(name: string): string | undefined;
  /** Whether it was kept: storage can be full. */
  set(name: string, value: string): boolean;
  remove(name: string): void;
  /** The names that begin so. */
  names(prefix: string): string[];
  /** Calls back when another tab changes something. */
  onChange(changed: (name: string) => void): () => void;
}

/** The shelf that all tabs share. */
export function sharedShelf(site: string): Shelf {
  return shelf(() => localStorage, site);
}

/** The tab's own shelf. */
export function tabShelf(site: string): Shelf {
  return shelf(() => sessionStorage, site);
}

function shelf(open: () => Storage, site: string): Shelf {
  const prefix = `vigie:${site}:`;
  try {
    const storage = open();
    // Some browsers hand out a storage that refuses every write.
    storage.setItem(prefix, "");
    storage.removeItem(prefix);
    return storageShelf(storage, prefix);
  } catch {
    return memoryShelf();
  }
}

function storageShelf(storage: Storage, prefix: string): Shelf {
  return {
    lasting: true,
    get: (name) => storage.getItem(prefix + name) ?? undefined,
    set(name, value) {
      try {
        storage.setItem(prefix + name, value);
        return true;
      } catch {
        return false;
      }
    },
    remove: (name) => storage.removeItem(prefix + name),
    names: (start) =>
      Object.keys(storage)
        .filter((key) => key.startsWith(prefix + start))
        .map((key) => key.slice(prefix.length)),
    onChange(changed) {
      const listen = (event: StorageEvent) => {
        if (event.storageArea === storage && event.key?.startsWith(prefix)) {
          changed(event.key.slice(prefix.length));
        }
      };
      addEventListener("storage", listen);
      return () => removeEventListener("storage", listen);
    },
  };
}

/** A shelf that is gone with the page. */
export function memoryShelf(): Shelf {
  const kept = new Map<string, string>();
  return {
    lasting: false,
    get: (name) => kept.get(name),
    set: (name, value) => Boolean(kept.set(name, value)),
    remove: (name) => void kept.delete(name),
    names: (start) => [...kept.keys()].filter((name) => name.startsWith(start)),
    onChange: () => () => {},
  };
}

/** Tells listeners of what changed, once a turn of the event loop however often it changes. */
export interface Listeners {
  readonly subscribe: (listener: (subject: string) => void) => () => void;
  readonly tell: (subject: string) => void;
}

/** Makes an empty list of listeners. */
export function listeners(): Listeners {
  const all = new Set<(subject: string) => void>();
  let changed = new Set<string>();
  const tellAll = (): void => {
    const subjects = changed;
    changed = new Set();
    for (const subject of subjects) for (const listener of all) listener(subject);
  };
  return {
    subscribe: (listener) => {
      all.add(listener);
      return () => all.delete(listener);
    },
    tell: (subject) => {
      if (changed.size === 0) setImmediate(tellAll);
      changed.add(subject);
    },
  };
}

import { Listeners } from '#core/listeners.ts';

/** Listeners who hear of each subject once a turn of the event loop, however often it changes. */
export function coalescedListeners(): Pick<Listeners<[subject: string]>, 'subscribe' | 'tell'> {
  const { subscribe, tell } = new Listeners<[subject: string]>();
  let changed = new Set<string>();
  const tellAll = (): void => {
    const subjects = changed;
    changed = new Set();
    for (const subject of subjects) tell(subject);
  };
  return {
    subscribe,
    tell: (subject) => {
      if (changed.size === 0) setImmediate(tellAll);
      changed.add(subject);
    },
  };
}

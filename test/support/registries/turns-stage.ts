import type { CheckTerm, Turn } from '#actors/registries/check-turns.ts';
import type { RegistriesOptions } from '#actors/registries/registries.ts';
import { settled, startRegistries } from '#test/support/registries/registries-stage.ts';

/** One turn that was taken, to be ended by the test. */
export interface TakenTurn extends Turn {
  readonly host: string;
  readonly key: string;
  readonly end: () => Promise<void>;
  readonly crash: (error: Error) => Promise<void>;
}

/** The registry whose checks are looked at. */
export const host = 'registry.example.com';

/** Registries that are checked each 10 s, two at once, in a term; the test runs the turns. */
export function startTurns(term: Partial<CheckTerm> = {}, given: Partial<RegistriesOptions> = {}) {
  const paceOf = () => ({ intervalMs: 60_000, maxPerInterval: 6 });
  const stage = startRegistries({ concurrency: 4 }, { paceOf, ...given });
  const { clock, supervisor, registries } = stage;
  const { turns } = registries;
  const taken: TakenTurn[] = [];
  const run = (from: string, key: string, turn: Turn): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = async () => {
      resolve();
      await settled();
    };
    const crash = async (error: Error) => {
      reject(error);
      await settled();
    };
    taken.push({ host: from, key, ...turn, end, crash });
    return promise;
  };
  const begin = (next: Partial<CheckTerm> = {}) =>
    turns.begin({ unrecordedUntilMs: undefined, run, ...next });
  begin(term);
  const actor = () => supervisor.getSnapshot().children.get(host);
  /** Lets time pass up to that moment; says whose turns were taken on the way. */
  const until = (atMs: number): readonly string[] => {
    const before = taken.length;
    clock.advance(atMs - clock.now());
    return taken.slice(before).map(({ key }) => key);
  };
  /** The same with turns that are sent and answered in the moment they are taken. */
  const checkUntil = async (atMs: number): Promise<readonly string[]> => {
    const keys = until(atMs);
    for (const turn of taken.slice(taken.length - keys.length)) {
      turn.begin();
      turn.answered();
      await turn.end();
    }
    return keys;
  };
  const paceIs = () => actor()?.getSnapshot().value.pace;
  return { ...stage, turns, taken, begin, actor, until, checkUntil, paceIs };
}

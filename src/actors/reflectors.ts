import type { ActorLogic, Snapshot } from 'xstate';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';

/**
 * Lists and watches until `signal` aborts, and says each phase it enters (`Listing`, `Watching`,
 * `BackingOff`) and why. Whatever the API server does is an outcome; a rejection is a bug.
 */
export type WatchLoop = (report: ReportPhase, signal: AbortSignal) => Promise<void>;

/** How a loop tells its phase; shaped as `onPhase` of `runReflector`. */
export type ReportPhase = (phase: string, detail?: string) => void;

/** What the reflector says about itself. */
export type ReflectorEvent = {
  readonly type: 'reflector.phase';
  readonly phase: string;
  readonly detail: string;
};

/** What is seen of a reflector: the phase of its loop. */
export type ReflectorSnapshot = Snapshot<undefined> & { readonly phase: string };

type State = ReflectorSnapshot & { readonly abort: AbortController };

type Incoming =
  | ReflectorEvent
  | { readonly type: 'self.ended'; readonly error: unknown }
  | { readonly type: 'xstate.stop' };

/** The phase before the loop has said anything. */
const phaseBefore = 'Starting';

/** An actor around the loop of one reflector, so that it is seen, stopped and restarted as others. */
export function reflectorLogic(
  resource: string,
  run: WatchLoop,
  { metrics, log }: { readonly metrics: Pick<Metrics, 'reflectorPhase'>; readonly log: Log },
): ActorLogic<ReflectorSnapshot, ReflectorEvent, undefined> {
  return {
    getInitialSnapshot: () =>
      ({
        ...{ status: 'active', output: undefined, error: undefined },
        ...{ phase: phaseBefore, abort: new AbortController() },
      }) satisfies State as State,
    getPersistedSnapshot: ({ status }) => ({ status }) as Snapshot<unknown>,
    start: (snapshot, scope) => {
      const { signal } = (snapshot as State).abort;
      metrics.reflectorPhase(resource, phaseBefore);
      const tell = (event: Incoming) => {
        if (!signal.aborted) scope.self.send(event as ReflectorEvent);
      };
      const ended = new Error(`The reflector of ${resource} ended.`);
      run((phase, detail = '') => tell({ type: 'reflector.phase', phase, detail }), signal).then(
        () => tell({ type: 'self.ended', error: ended }),
        (error: unknown) => tell({ type: 'self.ended', error }),
      );
    },
    transition: (snapshot, event) => {
      const state = snapshot as State;
      const incoming = event as Incoming;
      if (incoming.type === 'reflector.phase') {
        const { phase, detail } = incoming;
        metrics.reflectorPhase(resource, phase);
        if (phase === 'BackingOff') log.warn({ reason: detail }, 'watch interrupted; tries again');
        return { ...state, phase };
      }
      if (incoming.type === 'self.ended') throw incoming.error;
      if (incoming.type !== 'xstate.stop') return snapshot;
      state.abort.abort();
      return { ...state, status: 'stopped' } as ReflectorSnapshot;
    },
  };
}

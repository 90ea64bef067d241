import type { ActorLogic, Snapshot } from 'xstate';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';

/**
 * Lists and watches until `signal` aborts, and says each phase it enters (`Listing`, `Watching`,
 * `BackingOff`) and why. Whatever the API server does is an outcome; a rejection is a bug.
 */
export type WatchLoop = (report: ReportPhase, signal: AbortSignal) => Promise<void>;

/** How a loop tells its phase; shaped as `onPhase` of `runReflector`. */
export type ReportPhase = (phase: string, detail?: string, code?: number) => void;

/** What the reflector says about itself. */
export type ReflectorEvent = {
  readonly type: 'reflector.phase';
  readonly phase: string;
  readonly detail: string;
  /** The status that the API server refused with; none while it is away. */
  readonly code?: number | undefined;
};

/** What is seen of a reflector: the phase of its loop. */
export type ReflectorSnapshot = Snapshot<undefined> & { readonly phase: string };

type State = ReflectorSnapshot & {
  readonly abort: AbortController;
  /** What the API server has refused with since it was last watched. */
  readonly refusal?: number | undefined;
};

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
      const report: ReportPhase = (phase, detail = '', code) =>
        tell({ type: 'reflector.phase', phase, detail, code });
      run(report, signal).then(
        () => tell({ type: 'self.ended', error: ended }),
        (error: unknown) => tell({ type: 'self.ended', error }),
      );
    },
    transition: (snapshot, event) => {
      const state = snapshot as State;
      const incoming = event as Incoming;
      if (incoming.type === 'reflector.phase') {
        metrics.reflectorPhase(resource, incoming.phase);
        return { ...state, phase: incoming.phase, refusal: tellRefusal(log, state, incoming) };
      }
      if (incoming.type === 'self.ended') throw incoming.error;
      if (incoming.type !== 'xstate.stop') return snapshot;
      state.abort.abort();
      return { ...state, status: 'stopped' } as ReflectorSnapshot;
    },
  };
}

/**
 * A server that is away is told of once for all, by whoever hears of all calls; a refusal, of which
 * only this watch knows, once until it is watched again. Returns what was last refused with.
 */
function tellRefusal(
  log: Log,
  { refusal }: State,
  { phase, detail, code }: ReflectorEvent,
): State['refusal'] {
  if (phase === 'Watching') return undefined;
  if (phase !== 'BackingOff') return refusal;
  const isNews = code !== undefined && code !== refusal;
  log[isNews ? 'warn' : 'debug']({ reason: detail }, 'watch interrupted; tries again');
  return code ?? refusal;
}

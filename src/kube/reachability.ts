import type { ApiFailure } from './failures.ts';

/** Whether the API server answers, and how it was found out. */
export interface Reach {
  readonly reachable: boolean;
  readonly detail: string;
}

/** One failure may be a connection that broke while it was idle; the next call tells. */
const failuresOfAway = 2;
/** What a load balancer says whose API server is away. */
const gatewayCodes: readonly number[] = [502, 503, 504];

/**
 * Turns the outcomes of all calls and watches into news: told once when the API server goes away and
 * once when it answers again, however many wait for it meanwhile.
 */
export function watchReachability(
  tell: (reach: Reach) => void,
): (failure: ApiFailure | undefined) => void {
  let failures = 0;
  return (failure) => {
    if (failure?.kind === 'aborted') return;
    if (failure !== undefined && isAway(failure)) {
      failures += 1;
      if (failures === failuresOfAway) tell({ reachable: false, detail: failure.message });
      return;
    }
    if (failures >= failuresOfAway) tell({ reachable: true, detail: '' });
    failures = 0;
  };
}

/** Whether a failure is that of a server that is not there, and not its answer. */
export function isAway(failure: ApiFailure): boolean {
  if (failure.kind === 'connection') return true;
  return failure.kind === 'status' && gatewayCodes.includes(failure.code);
}

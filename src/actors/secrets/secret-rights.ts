import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import type { ApiFailure } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';

/**
 * Where the API server refused us Secrets: roles may leave out some namespaces, or all (behaviour
 * §3.11). What was refused is let be for a while, so that it is no line in an audit log each minute;
 * then it is asked anew, since roles change.
 */
export class SecretRights {
  readonly #runtime: Pick<Runtime, 'clock' | 'log'>;
  /** Namespace → monotonic ms of the last refusal. */
  readonly #refusedMs = new BoundedMap<string, number>(namespacesMax);

  constructor(runtime: Pick<Runtime, 'clock' | 'log'>) {
    this.#runtime = runtime;
  }

  readonly isRefused = (namespace: string): boolean => {
    const refusedMs = this.#refusedMs.get(namespace) ?? Number.NEGATIVE_INFINITY;
    return this.#runtime.clock.now() - refusedMs < letBeMs;
  };

  /** Whether a failure is a refusal, which is told once and no failure then. */
  readonly learn = (namespace: string, failure: ApiFailure): boolean => {
    if (!hasCode(failure, 403)) return false;
    const isKnown = this.#refusedMs.get(namespace) !== undefined;
    this.#refusedMs.set(namespace, this.#runtime.clock.now());
    const { message: reason } = failure;
    if (!isKnown) this.#runtime.log.info({ namespace, reason }, refusedMessage);
    return true;
  };
}

const refusedMessage = 'no right to Secrets there; copies are looked after where there is one';

/** Stands for all namespaces at once; none is called so. */
export const everywhere = '*';

/** A role that is given is used after this at the latest; a review's own tries do not wait for it. */
const letBeMs = 600_000;
/** More than have Pods in a large cluster; one that is forgotten is refused and told once more. */
const namespacesMax = 10_000;

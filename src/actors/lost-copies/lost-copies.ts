import { Limiter } from '#actors/limiter.ts';
import { reflectorLogic, type WatchLoop } from '#actors/reflectors.ts';
import { reportCrash } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { Listeners } from '#core/listeners.ts';
import type { LostCopy } from '#core/routing/lost-copies.ts';
import type { KubeClient } from '#kube/client.ts';
import { resourcePath } from '#kube/paths.ts';
import { runReflector } from '#kube/reflector.ts';
import { createStore } from '#kube/store.ts';
import {
  type LostCopiesObject,
  type LostCopyEntries,
  lostCopiesPlace,
  putLostCopy,
  readEntries,
  takeOut,
} from './lost-copies-object.ts';

/** Adds the hearing of lost copies: of those that this replica sees, and of the others' by the leader. */
export function addLostCopies(system: KuikSystem, options: LostCopiesOptions): LostCopies {
  const lostCopies = new LostCopies(system, options);
  const { log } = system.runtime;
  // One object is no resource to have a metric of its own.
  const metrics = { reflectorPhase: () => undefined };
  const logic = reflectorLogic('lost copies', lostCopies.follow, {
    ...{ metrics, log: log.child({ actor: followerId }) },
  });
  system.whileLeading({ id: followerId, logic });
  return lostCopies;
}

/** How lost copies are handed over. */
export interface LostCopiesOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  /** Handed over at once (`routing.activeCheck.staleMirrorCleanup`). */
  readonly maxConcurrent: number;
  /** For each; 0 means none. */
  readonly timeoutMs: number;
}

/** Who knows whether this process leads. */
type LeadingSystem = Pick<KuikSystem, 'runtime' | 'leads'>;

/** An actor of the root, while this process leads. */
const followerId = 'reflector:lost-copies';
/** A registry that lost all has the rest found by the leader's own look, once an hour. */
const waitingMax = 500;
/** Entries of the object, some 200 KiB: with more nobody takes them out, and what is added helps nobody. */
const entriesMax = 256;
/** How long nothing is added to an object that is full. */
const fullMs = 10_000;
/** Each Pod of a rollout sees the same; the status says so only after the leader has written it. */
const memoryMs = 10_000;
/** Copies remembered as told. */
const toldMax = 1_000;

/**
 * Copies that a status records and a registry does not have. The leader's own go to whoever listens;
 * other replicas put theirs into one object, which the leader follows and empties.
 */
export class LostCopies {
  readonly #system: LeadingSystem;
  readonly #options: LostCopiesOptions;
  readonly #limiter: Limiter;
  readonly #lost = new Listeners<[lost: LostCopy]>();
  /** When each was told last, on the monotonic clock. */
  readonly #toldMs = new BoundedMap<string, number>(toldMax);
  readonly #life = new AbortController();
  #fullUntilMs = 0;
  /** Called on the leader with each copy that some replica found to be gone; returns how to stop. */
  readonly subscribe = this.#lost.subscribe;

  constructor(system: LeadingSystem, options: LostCopiesOptions) {
    this.#system = system;
    this.#options = options;
    const { maxConcurrent: concurrency } = options;
    this.#limiter = new Limiter(system.runtime, { concurrency, waitingMax });
  }

  /** This replica found it to be gone. Nobody waits for what comes of it. */
  readonly report = (lost: LostCopy): void => {
    const { clock } = this.#system.runtime;
    const key = `${lost.resource} ${lost.copy}`;
    const sinceMs = clock.now() - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs < memoryMs) return;
    this.#toldMs.set(key, clock.now());
    if (this.#system.leads()) this.#tell(lost);
    else {
      this.#handOver(lost).catch(this.#crashed);
    }
  };

  /** Follows the object while this process leads: tells of what stands there, and takes it out. */
  readonly follow: WatchLoop = async (onPhase, signal) => {
    const { client, namespace } = this.#options;
    const { random } = this.#system.runtime;
    const { name, ...collection } = lostCopiesPlace(namespace);
    const store = createStore<LostCopyEntries>();
    store.subscribe(({ kind, value }) => {
      if (kind === 'deleted' || value.size === 0) return;
      this.#take(value, signal).catch(this.#crashed);
    });
    await runReflector<LostCopyEntries>(
      {
        ...{ client, random, store, onPhase },
        path: resourcePath(collection),
        query: { fieldSelector: `metadata.name=${name}` },
        slim: (object) => readEntries(object as LostCopiesObject),
      },
      signal,
    );
  };

  /** Ends what is in flight. */
  readonly close = (): void => {
    this.#life.abort();
    this.#limiter.dismiss();
  };

  readonly #crashed = (error: unknown): void =>
    reportCrash(this.#system.runtime, 'lost-copies', error);

  #tell(lost: LostCopy): void {
    this.#system.runtime.log.info({ lost }, 'a copy is not where it was recorded to be');
    this.#lost.tell(lost);
  }

  #bounded(signal: AbortSignal): AbortSignal {
    const { timeoutMs } = this.#options;
    return timeoutMs > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : signal;
  }

  async #take(entries: LostCopyEntries, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    for (const lost of entries.values()) if (lost !== undefined) this.#tell(lost);
    const keys = [...entries.keys()];
    const taken = await takeOut(client, { namespace, keys }, this.#bounded(signal));
    // What stays is told again with the next that comes, which does no harm.
    if (taken.ok || signal.aborted) return;
    this.#system.runtime.log.debug({ failure: taken.error }, 'lost copies were not taken out');
  }

  async #handOver(lost: LostCopy): Promise<void> {
    const { client, namespace, timeoutMs } = this.#options;
    const { clock, log } = this.#system.runtime;
    const { signal } = this.#life;
    const put = async () => {
      if (clock.now() < this.#fullUntilMs) return undefined;
      return await putLostCopy(client, { namespace, lost }, this.#bounded(signal));
    };
    const limited = await this.#limiter.run(put, { signal, timeoutMs });
    const written = limited.kind === 'done' ? limited.value : undefined;
    if (written?.ok === true) {
      if (written.value >= entriesMax) this.#fullUntilMs = clock.now() + fullMs;
      return;
    }
    // It is seen again by the next Pod that would use it, or by the leader's own look.
    log.debug({ lost, failure: written?.error ?? limited.kind }, 'a lost copy was not handed over');
  }
}

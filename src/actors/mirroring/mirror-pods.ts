import { setImmediate as nextTurn } from 'node:timers/promises';
import { Listeners } from '#core/listeners.ts';
import { createOriginalJudge, type IsRecorded } from '#core/mirroring/original-judge.ts';
import { type Releases, RunningImages } from '#core/mirroring/running-images.ts';
import { createWantsReader, type PodWants } from '#core/mirroring/wanted-images.ts';
import { isFinished } from '#core/pod.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import type { Store, StoreChange } from '#kube/store.ts';

/** What Pods are read from, and by what. */
export interface MirrorPodsOptions {
  readonly pods: Store<SlimPod>;
  readonly table: { readonly current: () => RoutingTable };
  /** Whether a status records a copy of an original at that place. */
  readonly isRecorded: IsRecorded;
}

/** Reads what a Pod wants and runs; a new one when what annotations are judged by has changed. */
export type WantsReader = (pod: SlimPod) => PodWants;

/** So many Pods are read in one turn of the event loop: about 7 ms. */
const podsPerTurn = 200;

/** What all Pods that have not finished want and run, kept up as they come and go. */
export class MirrorPods {
  readonly #options: MirrorPodsOptions;
  readonly #released = new Listeners<[releases: Releases]>();
  readonly #renewed = new Listeners();
  #running = new RunningImages();
  #isCounted = false;
  #judge: ReturnType<typeof createOriginalJudge>;
  #reader: WantsReader;

  constructor(options: MirrorPodsOptions) {
    this.#options = options;
    this.#judge = this.#createJudge();
    this.#reader = createWantsReader(this.#judge);
  }

  /** Told of what no Pod has any more, and of what one has that none had before. */
  readonly onReleased = this.#released.subscribe;

  /** Told when all Pods have been read by a new reader, as others are to read them too. */
  readonly onRenewed = this.#renewed.subscribe;

  /** Whether all Pods have been read: before that nobody knows what none of them runs. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  get reader(): WantsReader {
    return this.#reader;
  }

  get running(): Pick<RunningImages, 'isRun' | 'isOriginal'> {
    return this.#running;
  }

  /** Keeps up with the Pods from now on; returns how to stop that. */
  readonly begin = (): (() => void) => {
    const stop = this.#options.pods.subscribe(this.#see);
    void this.renew();
    return () => {
      stop();
      this.#isCounted = false;
      this.#running = new RunningImages();
    };
  };

  /** What annotations are judged by has changed: a slice of the Pods in each turn is read anew. */
  readonly renew = async (): Promise<void> => {
    this.#judge = this.#createJudge();
    const reader = createWantsReader(this.#judge);
    this.#reader = reader;
    let read = 0;
    for (const pod of this.#options.pods.values()) {
      this.#put(pod);
      read += 1;
      if (read % podsPerTurn !== 0) continue;
      await nextTurn();
      if (this.#reader !== reader) return;
    }
    // All is planned anew by whoever hears of it: at first that is news enough.
    if (!this.#isCounted) this.#running.takeReleased();
    this.#isCounted = this.#options.pods.isSynced();
    this.#renewed.tell();
    this.#tellReleased();
  };

  /** A copy is recorded at that place, or is no more. */
  readonly recordChanged = (key: string): void => {
    if (this.#judge.dependsOn(key)) void this.renew();
  };

  #createJudge() {
    const { table, isRecorded } = this.#options;
    return createOriginalJudge(table.current(), isRecorded);
  }

  readonly #see = ({ kind, value }: StoreChange<SlimPod>): void => {
    if (kind === 'deleted') this.#running.put(podKey(value), undefined);
    else this.#put(value);
    this.#tellReleased();
  };

  #put(pod: SlimPod): void {
    this.#running.put(podKey(pod), isFinished(pod) ? undefined : this.#reader(pod));
  }

  #tellReleased(): void {
    const releases = this.#running.takeReleased();
    const { taken, running, originals } = releases;
    if (taken.size + running.size + originals.size > 0) this.#released.tell(releases);
  }
}

/** Tells a Pod from the others. */
export function podKey({ namespace, name }: Pick<SlimPod, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

import { RunningImages } from '#core/mirroring/running-images.ts';
import { isFinished } from '#core/pod.ts';
import { type Result, succeed } from '#core/result.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createInterner } from '#kube/intern.ts';
import { listPages } from '#kube/list-pages.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { podKey, type WantsReader } from './mirror-pods.ts';

/** What all Pods want and run, by one consistent list. */
export interface PodFacts {
  readonly running: Pick<RunningImages, 'isRun' | 'isOriginal'>;
  /** Whether a Pod that a resource is about wants an image, by its full form. */
  readonly wants: (compiled: Pick<CompiledMirror, 'matchesPod'>, image: string) => boolean;
}

/** A Pod is 5 to 10 KB of JSON: to parse a page takes some 10 ms, in which no review is answered. */
const pagePods = 200;
/** Ten thousand Pods take a few seconds; an API server that hangs is asked again. */
const readTimeoutMs = 60_000;

type Answer = Result<PodFacts, ApiFailure>;

/**
 * Reads all Pods as they are at a moment after it was asked (a consistent list, which no cache
 * answers): a Pod that was stored before is in it. Whoever asks while a list is being read waits for
 * the next one, so that many deletions cost one.
 */
export class FreshPods {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #reader: () => WantsReader;
  readonly #interner = createInterner();
  #running: Promise<Answer> | undefined;
  #next: Promise<Answer> | undefined;

  /** `reader` says by which Pods are read at that moment. */
  constructor(client: Pick<KubeClient, 'call'>, reader: () => WantsReader) {
    this.#client = client;
    this.#reader = reader;
  }

  readonly read = async (): Promise<Answer> => {
    this.#next ??= this.#begin(this.#running);
    return await this.#next;
  };

  async #begin(before: Promise<Answer> | undefined): Promise<Answer> {
    await before;
    this.#running = this.#next;
    this.#next = undefined;
    return await this.#list(AbortSignal.timeout(readTimeoutMs));
  }

  async #list(signal: AbortSignal): Promise<Answer> {
    const pods: SlimPod[] = [];
    // Without a resourceVersion the API server answers from what is stored, not from a cache.
    const listing = { path: '/api/v1/pods', pageObjects: pagePods };
    for await (const page of listPages<object>(this.#client, listing, signal)) {
      if (!page.ok) return page;
      for (const pod of page.value.items) pods.push(slimPod(pod, this.#interner));
    }
    return succeed(factsOf(pods, this.#reader()));
  }
}

function factsOf(pods: readonly SlimPod[], read: WantsReader): PodFacts {
  const running = new RunningImages();
  const wanting = new Map<string, SlimPod[]>();
  for (const pod of pods) {
    if (isFinished(pod)) continue;
    const wants = read(pod);
    running.put(podKey(pod), wants);
    for (const { image } of wants.wanted) {
      const others = wanting.get(image);
      if (others === undefined) wanting.set(image, [pod]);
      else others.push(pod);
    }
  }
  return {
    running,
    wants: ({ matchesPod }, image) => wanting.get(image)?.some(matchesPod) === true,
  };
}

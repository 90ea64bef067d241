import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createInterner } from '#kube/intern.ts';
import { listPages } from '#kube/list-pages.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';

/** All Pods, or why they could not be read. */
export type PodsAnswer = Result<readonly SlimPod[], ApiFailure>;

/** A Pod is 5 to 10 KB of JSON: to parse a page takes some 10 ms, in which no review is answered. */
const pagePods = 200;
/** Ten thousand Pods take a few seconds; an API server that hangs is asked again. */
const readTimeoutMs = 60_000;

/**
 * Reads all Pods as they are at a moment after it was asked (a consistent list, which no cache
 * answers): a Pod that was let in before is in it. Whoever asks while a list is being read waits for
 * the next one, so that many deletions cost one.
 */
export class FreshPods {
  readonly #client: Pick<KubeClient, 'call'>;
  readonly #interner = createInterner();
  #running: Promise<PodsAnswer> | undefined;
  #next: Promise<PodsAnswer> | undefined;

  constructor(client: Pick<KubeClient, 'call'>) {
    this.#client = client;
  }

  readonly read = async (): Promise<PodsAnswer> => {
    this.#next ??= this.#begin(this.#running);
    return await this.#next;
  };

  async #begin(before: Promise<PodsAnswer> | undefined): Promise<PodsAnswer> {
    await before;
    this.#running = this.#next;
    this.#next = undefined;
    return await this.#list(AbortSignal.timeout(readTimeoutMs));
  }

  async #list(signal: AbortSignal): Promise<PodsAnswer> {
    const pods: SlimPod[] = [];
    // Without a resourceVersion the API server answers from what is stored, not from a cache.
    const listing = { path: '/api/v1/pods', pageObjects: pagePods };
    for await (const page of listPages<object>(this.#client, listing, signal)) {
      if (!page.ok) return page;
      for (const pod of page.value.items) pods.push(slimPod(pod, this.#interner));
    }
    return succeed(pods);
  }
}

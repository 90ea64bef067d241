import { pause } from '#actors/deadline.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { KuikResource } from '#api/kinds.ts';
import { expiredQuietMs } from '#core/mirroring/copy-deletion.ts';
import type { RemainReason } from '#core/mirroring/copy-due.ts';
import type { KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import type { PlaceJudge } from './place-judge.ts';
import type { MirrorEntry, ResourceMirror } from './resource-mirror.ts';
import { keepFinalizers } from './set-finalizers.ts';

/** What a resource is let go with. */
export interface FinalizeSetOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly judge: PlaceJudge;
  readonly mirrorOf: (resource: string) => ResourceMirror | undefined;
  readonly objectOf: (resource: string) => KuikResource | undefined;
  /** Told of the copies that stay although they were to go. */
  readonly abandoned: (resource: string, copies: readonly MirroredCopy[]) => void;
  readonly changed: (resource: string) => void;
}

/** Behaviour §5: once due, deletions are tried until so long passes without a success. */
const withoutSuccessMs = 30_000;
/** How often is looked how far they have come: each takes seconds. */
const lookEveryMs = 500;
/** Between attempts to let the object go. */
const retryMs = 2_000;

/** The end of a resource: its copies go where its cleanup says so, then it is let go. */
export class FinalizeSet {
  readonly #runtime: Runtime;
  readonly #options: FinalizeSetOptions;

  constructor(runtime: Runtime, options: FinalizeSetOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  readonly run = async (resource: string, signal: AbortSignal): Promise<void> => {
    const mirror = this.#options.mirrorOf(resource);
    if (mirror !== undefined) await this.#deleteCopies(mirror, signal);
    while (!signal.aborted && !(await this.#letGo(resource, signal))) {
      await pause(this.#runtime.clock, retryMs, signal);
    }
  };

  async #deleteCopies(mirror: ResourceMirror, signal: AbortSignal): Promise<void> {
    const { clock } = this.#runtime;
    let left = this.#settle(mirror);
    let successMs = clock.now() + expiredQuietMs;
    while (left.length > 0 && !signal.aborted && clock.now() - successMs < withoutSuccessMs) {
      await pause(clock, lookEveryMs, signal);
      const before = left.length;
      left = this.#settle(mirror);
      if (left.length < before) successMs = Math.max(successMs, clock.now());
    }
    if (left.length === 0 || signal.aborted) return;
    const { resource } = mirror;
    const { log } = this.#runtime;
    const copies = left.map(({ known }) => known.copy);
    const fields = { resource, count: copies.length, copies: copies.slice(0, copiesToldMax) };
    log.warn(fields, 'copies stay on their mirrors although their resource goes');
    this.#options.abandoned(resource, left);
    for (const copy of left) this.#drop(mirror, copy);
  }

  /** Sends on their way what is to go, and lets go of what stays; answers with what is to go. */
  #settle(mirror: ResourceMirror): readonly MirroredCopy[] {
    const left: MirroredCopy[] = [];
    for (const image of [...mirror.names()]) {
      const entry = mirror.get(image);
      if (entry === undefined) continue;
      for (const copy of [...entry.copies.values()]) {
        if (this.#send(mirror, entry, copy)) left.push(copy);
      }
      if (entry.copies.size === 0) mirror.remove(image);
    }
    this.#options.changed(mirror.resource);
    return left;
  }

  /** Whether it is to go. */
  #send(mirror: ResourceMirror, entry: MirrorEntry, copy: MirroredCopy): boolean {
    const { resource } = mirror;
    const demand = copy.demands.get(resource);
    if (demand === undefined) return false;
    copy.demand(resource, { ...demand, use: undefined, isUnused: true });
    const removal = this.#options.judge.removalOf(copy, demand);
    if (removal.kind === 'wait') return true;
    if (removal.kind === 'delete') {
      copy.send({ type: 'copy.expired' });
      return true;
    }
    this.#tellStay(copy, resource, removal.why);
    mirror.dropCopy(entry, copy.place.copy);
    return false;
  }

  #drop(mirror: ResourceMirror, copy: MirroredCopy): void {
    const entry = mirror.get(copy.image);
    if (entry !== undefined) mirror.dropCopy(entry, copy.place.copy);
  }

  #tellStay({ known: { copy } }: MirroredCopy, resource: string, why: RemainReason): void {
    this.#runtime.log.debug({ resource, copy, why }, 'a copy stays although its resource goes');
  }

  /** Whether it has gone, or is free to. */
  async #letGo(resource: string, signal: AbortSignal): Promise<boolean> {
    const object = this.#options.objectOf(resource);
    if (object?.metadata.deletionTimestamp === undefined) return true;
    const change = { object, isWanted: false };
    const written = await keepFinalizers(this.#options.client, change, signal);
    if (written.ok || hasCode(written.error, 404)) return true;
    const failure = written.error;
    if (!signal.aborted)
      this.#runtime.log.warn({ resource, failure }, 'it could not be let go yet');
    return false;
  }
}

/** So many copies are named in one line of the log. */
const copiesToldMax = 10;

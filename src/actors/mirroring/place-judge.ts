import type { ClaimIndex } from '#core/mirroring/claimants.ts';
import { type CopyJudgement, isThere } from '#core/mirroring/copy-claims.ts';
import { isCopyDue, judgeRemoval, type Removal } from '#core/mirroring/copy-due.ts';
import { copySources, createEquivalence } from '#core/mirroring/copy-sources.ts';
import type { RunningImages } from '#core/mirroring/running-images.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { DueDemand } from './copy-deletions.ts';
import type { CopyBehalf, HeldPlace } from './copy-image.ts';
import type { PodFacts } from './fresh-pods.ts';
import type { CopyDemand, MirroredCopy } from './mirrored-copy.ts';
import type { ResourceMirror } from './resource-mirror.ts';

/** What places are judged by. */
export interface PlaceJudgeOptions {
  readonly claims: ClaimIndex;
  readonly table: { readonly current: () => RoutingTable };
  readonly mirrorOf: (resource: string) => ResourceMirror | undefined;
  /** What Pods run, as far as the watch has told. */
  readonly running: () => Pick<RunningImages, 'isRun' | 'isOriginal'>;
  /** Wall time, ms. */
  readonly now: () => number;
}

/** Asks of a copy what all resources that have to do with its place come to (`core/mirroring`). */
export class PlaceJudge {
  readonly #options: PlaceJudgeOptions;

  constructor(options: PlaceJudgeOptions) {
    this.#options = options;
  }

  /** By the claims of all resources on a place, in the eyes of each of them. */
  readonly judge = (key: string): CopyJudgement => {
    const { claims, table, mirrorOf } = this.#options;
    const state = {
      table: table.current(),
      mirrorOf: (resource: string) => mirrorOf(resource)?.compiled,
      podOf: (resource: string, image: string) => mirrorOf(resource)?.use(image)?.pod,
    };
    return claims.judge(key, createEquivalence(state));
  };

  /** On whose behalf it may be copied, in the order to try. */
  readonly behalvesOf = (copy: MirroredCopy): readonly CopyBehalf[] =>
    this.judge(copy.place.key).copiers.flatMap(({ resource, image }) => {
      const demand = copy.demands.get(resource);
      const compiled = this.#options.mirrorOf(resource)?.compiled;
      if (image !== copy.image || demand === undefined || compiled === undefined) return [];
      return [{ resource, compiled, ...demand }];
    });

  readonly othersOf = (copy: MirroredCopy): HeldPlace => {
    const { table, mirrorOf } = this.#options;
    const { holding, colliding } = this.judge(copy.place.key);
    const sharing = holding.filter(
      (claim) => claim.image !== copy.image && !colliding.includes(claim),
    );
    return {
      recorded: holding.flatMap(({ recorded }) => recorded ?? []),
      shared: sharing.find(isThere)?.recorded,
      sources: holding.flatMap(({ resource, image }) => {
        const mirror = mirrorOf(resource);
        const pod = mirror?.use(image)?.pod;
        if (mirror?.compiled === undefined || pod === undefined) return [];
        const question = { mirror: mirror.compiled, image: copy.source, pod };
        return [copySources(table.current(), question)];
      }),
    };
  };

  /** Under whose entry it is due to be deleted; by a consistent list of the Pods, too, where given. */
  readonly dueFor = (copy: MirroredCopy, facts?: PodFacts): DueDemand | undefined => {
    const judgement = this.judge(copy.place.key);
    if (facts !== undefined && this.#isWanted(judgement, facts)) return undefined;
    for (const [resource, demand] of copy.demands) {
      const { isDeleting, unusedSinceMs } = this.#stateOf(resource, copy.image);
      const asked = this.#question(copy, demand, { judgement, facts });
      const isDue = isDeleting
        ? judgeRemoval(asked).kind === 'delete'
        : isCopyDue({ ...asked, unusedSinceMs });
      if (isDue) return { resource, ...demand };
    }
    return undefined;
  };

  /** What becomes of a copy whose resource is being deleted. */
  readonly removalOf = (copy: MirroredCopy, demand: CopyDemand): Removal =>
    judgeRemoval(this.#question(copy, demand, { judgement: this.judge(copy.place.key) }));

  #question(
    copy: MirroredCopy,
    { place, isUnused }: CopyDemand,
    known: { readonly judgement: CopyJudgement; readonly facts?: PodFacts | undefined },
  ) {
    const { running, now } = this.#options;
    const watched = running();
    const listed = known.facts?.running;
    return {
      ...{ place, recorded: copy.told(isUnused), judgement: known.judgement, nowMs: now() },
      running: {
        isRun: (key: string) => watched.isRun(key) || listed?.isRun(key) === true,
        isOriginal: (key: string) => watched.isOriginal(key) || listed?.isOriginal(key) === true,
      },
    };
  }

  #stateOf(resource: string, image: string) {
    const mirror = this.#options.mirrorOf(resource);
    return {
      isDeleting: mirror?.phase === 'deleting',
      unusedSinceMs: mirror?.get(image)?.unusedSinceMs,
    };
  }

  /** Whether a Pod that was stored a moment ago wants what shares the place. */
  #isWanted({ holding }: CopyJudgement, facts: PodFacts): boolean {
    return holding.some(({ resource, image }) => {
      const mirror = this.#options.mirrorOf(resource);
      if (mirror?.compiled === undefined || mirror.phase !== 'planned') return false;
      return facts.wants(mirror.compiled, image);
    });
  }
}

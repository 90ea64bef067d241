import type { ConditionContributor } from '#actors/conditions/conditions.ts';
import type { EventRecorder } from '#actors/event-recorder.ts';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import { type KuikResource, resourceName } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import type { MirroredImages } from '#core/mirroring/mirrored-image.ts';
import { movedNotes } from '#core/mirroring/status-notes.ts';
import {
  createMirrorSummary,
  type MirrorSummary,
  movedMessage,
  progressMessage,
  troubleStates,
} from '#core/mirroring/status-summary.ts';
import type { ExtraCondition } from '#core/ready-condition.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { StatusOwner } from './overflow-objects.ts';

/**
 * Says, while this process leads, how mirror resources fare: what fails first and why in `Ready`, tags
 * that moved in `SourceChanged` and in events. Before all of a resource is planned it says nothing.
 */
export function addMirrorConditions(
  system: KuikSystem,
  options: MirrorConditionsOptions,
): ConditionContributor {
  const conditions = new MirrorConditions(options);
  const { watch, work, summaryOf } = conditions;
  system.whileLeading({
    id: 'reconcile:mirror-conditions',
    logic: reconcileLogic(system.runtime, { settleMs, paceMs, watch, work }),
  });
  const readOf = (resource: KuikResource) =>
    isMirror(resource) ? summaryOf(resourceName(resource)) : undefined;
  return {
    statesOf: (resource) => {
      const summary = readOf(resource);
      return summary === undefined ? [] : troubleStates(summary, conditionOf(resource)?.reason);
    },
    readyMessage: (resource) => {
      const summary = readOf(resource);
      return summary && progressMessage(summary);
    },
    conditionsOf: (resource) => {
      const summary = readOf(resource);
      return summary === undefined ? [] : conditions.sourceChanged(resource, summary);
    },
    isKnown: (resource) => !isMirror(resource) || conditions.isKnown(resourceName(resource)),
    // What it counts is written with what it lists.
    listsImages: isMirror,
    subscribe: conditions.subscribe,
  };
}

/** What conditions of mirror resources are made from. */
export interface MirrorConditionsOptions {
  readonly images: MirroredImages;
  /** Whether all that a resource is to do is known in this term; true of one that is left out. */
  readonly isPlanned: (resource: string) => boolean;
  /** A resource that is there, as events regard it. */
  readonly ownerOf: (resource: string) => StatusOwner | undefined;
  /** A resource's present object. */
  readonly find: (resource: string) => KuikResource | undefined;
  readonly events: Pick<EventRecorder, 'record'>;
}

/** What fails together is told together. */
const settleMs = 1_000;
/** A message changes with each copy while thousands are made; nobody reads faster. */
const paceMs = 5_000;

class MirrorConditions {
  readonly #options: MirrorConditionsOptions;
  readonly #listeners = new Listeners();
  readonly #summaries = new Map<string, MirrorSummary>();
  /** Resources of which something changed since the last look. */
  #changed = new Set<string>();
  /** Resources of which somebody wanted to say something before it was known. */
  readonly #awaited = new Set<string>();
  #look = (): void => {};
  /** Resources of which a tag was seen to move in this term. */
  readonly #fresh = new Set<string>();
  readonly subscribe = this.#listeners.subscribe;

  constructor(options: MirrorConditionsOptions) {
    this.#options = options;
  }

  readonly summaryOf = (resource: string): MirrorSummary | undefined =>
    this.#summaries.get(resource);

  readonly watch = (changed: () => void): (() => void) => {
    const { images } = this.#options;
    this.#summaries.clear();
    this.#fresh.clear();
    this.#awaited.clear();
    this.#look = changed;
    this.#changed = new Set(images.resources());
    return images.subscribe((resource) => {
      this.#changed.add(resource);
      changed();
    });
  };

  /** Whether all of a resource is planned and looked at; who asks before that is told once it is. */
  isKnown(resource: string): boolean {
    const known = this.#isReady(resource);
    if (known || this.#awaited.has(resource)) return known;
    this.#awaited.add(resource);
    this.#look();
    return known;
  }

  /** A resource that lists nothing has nothing to be looked at. */
  #isReady(resource: string): boolean {
    const { images, isPlanned } = this.#options;
    if (!isPlanned(resource)) return false;
    return this.#summaries.has(resource) || !images.resources().includes(resource);
  }

  readonly work = async (_: unknown, signal: AbortSignal): Promise<RoundOutcome> => {
    const unseen = [...this.#awaited].filter((resource) => !this.#summaries.has(resource));
    const changed = new Set([...this.#changed, ...unseen]);
    this.#changed.clear();
    let isNews = false;
    for (const resource of changed) {
      const summary = await this.#summarise(resource);
      if (signal.aborted) break;
      isNews = this.#take(resource, summary) || isNews;
    }
    for (const resource of [...this.#awaited]) {
      if (this.#isReady(resource)) isNews = this.#awaited.delete(resource) || isNews;
    }
    if (isNews) this.#listeners.tell();
    return { kind: 'done', ...(this.#awaited.size > 0 && { dueInMs: settleMs }) };
  };

  /** Undefined where nothing has to be said: what was said before holds. */
  sourceChanged(resource: KuikResource, summary: MirrorSummary): readonly ExtraCondition[] {
    const { moved, isSourceKnown } = summary;
    const wasTrue = conditionOf(resource, 'SourceChanged')?.status === 'True';
    const isFresh = this.#fresh.has(resourceName(resource));
    // What the last leader has seen is not all seen again yet.
    if (wasTrue && !isSourceKnown && !isFresh) return [];
    if (moved.size === 0 && !wasTrue) return [];
    const message = movedMessage(moved);
    return [
      moved.size > 0
        ? { type: 'SourceChanged', status: 'True', reason: 'TagMoved', message }
        : { type: 'SourceChanged', status: 'False', reason: 'TagsUnchanged', message },
    ];
  }

  async #summarise(resource: string): Promise<MirrorSummary | undefined> {
    const { images } = this.#options;
    const maker = createMirrorSummary();
    await forEachInTurns(images.imagesOf(resource), maker.add);
    return images.resources().includes(resource) ? maker.finish() : undefined;
  }

  #take(resource: string, summary: MirrorSummary | undefined): boolean {
    const before = this.#summaries.get(resource);
    if (summary === undefined) return this.#summaries.delete(resource);
    this.#summaries.set(resource, summary);
    this.#tellMoved(resource, before, summary);
    return before === undefined || textOf(before) !== textOf(summary);
  }

  /** What had moved when a term began was told by somebody before, where the condition says so. */
  #tellMoved(resource: string, before: MirrorSummary | undefined, { moved }: MirrorSummary): void {
    const { find, ownerOf, events } = this.#options;
    const notes = movedNotes(before?.moved ?? new Map(), moved);
    if (notes.length === 0) return;
    const [object, regarding] = [find(resource), ownerOf(resource)];
    if (object === undefined || regarding === undefined) return;
    const wasTold = conditionOf(object, 'SourceChanged')?.status === 'True';
    if (wasTold && !this.#fresh.has(resource) && !before?.isSourceKnown) return;
    this.#fresh.add(resource);
    for (const note of notes) events.record({ ...note, regarding, action: 'Compare' });
  }
}

function textOf({ moved, ...summary }: MirrorSummary): string {
  return JSON.stringify([summary, [...moved]]);
}

function conditionOf({ status }: KuikResource, type = 'Ready') {
  return status?.conditions?.find((condition) => condition.type === type);
}

function isMirror({ kind }: KuikResource): boolean {
  return kind === 'ImageSetMirror' || kind === 'ClusterImageSetMirror';
}

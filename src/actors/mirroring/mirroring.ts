import type { Conditions } from '#actors/conditions/conditions.ts';
import type { EventRecorder } from '#actors/event-recorder.ts';
import { addMirrorReporting, type MirrorReporting } from '#actors/reporting/mirror-reporting.ts';
import { mirrorIdentity, mirrorStore } from '#actors/reporting/mirror-store.ts';
import type { KuikSystem } from '#actors/system.ts';
import { apiVersion } from '#api/kinds.ts';
import type { CopiedImage } from '#core/mirroring/copy-outcome.ts';
import type { EventNote } from '#kube/events.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import { MirroringActors } from './mirroring-actors.ts';
import type { MirroringMeans } from './mirroring-means.ts';
import type { MirroringNews } from './mirroring-news.ts';

/**
 * Adds it to the system: while this process leads, images are copied, looked after and deleted, and
 * conditions, events and metrics tell of it; pages always.
 */
export function addMirroring(system: KuikSystem, options: MirroringOptions): Mirroring {
  const { client, namespace, resources, table, events, conditions } = options;
  const store = mirrorStore(system.runtime, { client, namespace });
  const news: MirroringNews = {
    copied: (copy, outcome, durationMs) => {
      reporting.metrics.copied({ target: copy.target, outcome, durationMs });
      const note = outcome.kind === 'copied' ? lackingNote(copy, outcome) : undefined;
      if (note !== undefined) for (const resource of copy.demands.keys()) tell(resource, note);
    },
    deleted: ({ target }, result) => reporting.metrics.deleted(target, result),
    abandoned: (resource, copies) => {
      for (const { target } of copies) reporting.metrics.abandoned(target);
      tell(resource, abandonedNote(copies));
    },
  };
  const tell = (resource: string, note: MirrorNote): void => {
    const uid = mirroring.objectOf(resource)?.metadata.uid;
    if (uid === undefined) return;
    const regarding = { apiVersion, uid, ...mirrorIdentity(resource) };
    events.record({ regarding, type: 'Warning', ...note });
  };
  const mirroring: MirroringActors = new MirroringActors(system, {
    ...{ ...options, store, news },
    leads: system.leads,
  });
  const { images, running, isPlanned, queues } = mirroring;
  const reporting: MirrorReporting = addMirrorReporting(system, {
    ...{ images, running, isPlanned, queues, store, resources, table, events, conditions },
  });
  const { drain, statuses } = mirroring;
  return { drain, flush: statuses.flush, reporting };
}

/** What it is added with, and who is told. */
export interface MirroringOptions extends Omit<MirroringMeans, 'news' | 'store' | 'leads'> {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly conditions: Conditions;
}

/** What others ask of it. */
export interface Mirroring {
  /** No copy begins any more; those in flight have their time to end. */
  readonly drain: () => Promise<void>;
  /** Writes what is still to be written, whatever the pace. */
  readonly flush: () => Promise<void>;
  readonly reporting: MirrorReporting;
}

/** An event has room for a kilobyte: some copies are named. */
const copiesNamedMax = 3;

type MirrorNote = Pick<EventNote, 'reason' | 'action' | 'note'>;

/** What was asked for and its source has not; undefined where nothing is missing. */
function lackingNote(
  { image }: Pick<MirroredCopy, 'image'>,
  { missingPlatforms = [] }: Pick<CopiedImage, 'missingPlatforms'>,
): MirrorNote | undefined {
  if (missingPlatforms.length === 0) return undefined;
  const note = `${image} was copied without ${missingPlatforms.join(', ')}: its source has none.`;
  return { reason: 'PlatformsMissing', action: 'Copy', note };
}

function abandonedNote(copies: readonly MirroredCopy[]): MirrorNote {
  const names = copies.slice(0, copiesNamedMax).map(({ known }) => known.copy);
  const more = copies.length > names.length ? `, and ${copies.length - names.length} more` : '';
  const note = `It goes although copies could not be deleted: ${names.join(', ')}${more}.`;
  return { reason: 'CopiesAbandoned', action: 'Cleanup', note };
}

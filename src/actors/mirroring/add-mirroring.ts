import type { Conditions } from '#actors/conditions/conditions.ts';
import type { EventRecorder } from '#actors/event-recorder.ts';
import { addMirrorConditions } from '#actors/reporting/mirror-conditions.ts';
import { mirrorIdentity } from '#actors/reporting/mirror-store.ts';
import type { StatusOwner } from '#actors/reporting/overflow-objects.ts';
import type { KuikSystem } from '#actors/system.ts';
import { apiVersion } from '#api/kinds.ts';
import { mirroringMetrics } from '#telemetry/mirroring-metrics.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import { Mirroring, type MirroringOptions } from './mirroring.ts';

/**
 * Adds it to the system: while this process leads, images are copied, looked after and deleted, and
 * conditions, events and metrics tell of it.
 */
export function addMirroring(system: KuikSystem, options: AddMirroringOptions): Mirroring {
  const { events, conditions } = options;
  const { clock, metrics } = system.runtime;
  const count = mirroringMetrics(metrics.registry, {
    ...{ queues: () => mirroring.queues(), now: clock.now, isKept: metrics.isKept },
  });
  const ownerOf = (resource: string): StatusOwner | undefined => {
    const uid = mirroring.objectOf(resource)?.metadata.uid;
    return uid === undefined ? undefined : { apiVersion, uid, ...mirrorIdentity(resource) };
  };
  const mirroring: Mirroring = new Mirroring(system, {
    ...options,
    news: {
      copied: ({ target }, outcome, durationMs) => count.copied({ target, outcome, durationMs }),
      deleted: ({ target }, result) => count.deleted(target, result),
      abandoned: (resource, copies) => {
        for (const { target } of copies) count.abandoned(target);
        const regarding = ownerOf(resource);
        if (regarding === undefined) return;
        const note = abandonedNote(copies);
        events.record({ regarding, type: 'Warning', reason: 'CopiesAbandoned', ...note });
      },
    },
  });
  conditions.contribute(
    addMirrorConditions(system, {
      ...{ images: mirroring.images, isPlanned: mirroring.isPlanned, ownerOf, events },
      find: mirroring.objectOf,
    }),
  );
  return mirroring;
}

/** What it is added with, and who is told. */
export interface AddMirroringOptions extends Omit<MirroringOptions, 'news'> {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly conditions: Conditions;
}

/** An event has room for a kilobyte: some copies are named. */
const copiesNamedMax = 3;

function abandonedNote(copies: readonly MirroredCopy[]) {
  const names = copies.slice(0, copiesNamedMax).map(({ known }) => known.copy);
  const more = copies.length > names.length ? `, and ${copies.length - names.length} more` : '';
  const note = `It goes although copies could not be deleted: ${names.join(', ')}${more}.`;
  return { action: 'Cleanup', note };
}

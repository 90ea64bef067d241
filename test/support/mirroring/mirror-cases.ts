import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { clusterMirror } from '../routing/resources.ts';
import { MirrorTwin } from './mirror-twin.ts';

/** A filter that matches everything. */
export const all = { imageFilter: { include: ['.+'] } };
/** One hour, ms. */
export const hourMs = 3_600_000;
/** Copies go after an hour. */
export const cleanup = { enabled: true, retention: '1h' };
/** The image that most cases are about. */
export const nginx = 'docker.io/library/nginx:1';
/** Its copy. */
export const copy = 'm.example.com/library/nginx:1';
/** The first resource. */
export const one = 'ClusterImageSetMirror/one';
/** The second. */
export const two = 'ClusterImageSetMirror/two';

/** A mirror of everything to `m.example.com`, with whatever else is given. */
export function mirror(name: string, spec: Parameters<typeof clusterMirror>[1] = {}) {
  return clusterMirror(name, { ...all, mirrors: [{ registry: 'm.example.com' }], ...spec });
}

/** What a leader knows of these resources. */
export function twinOf(...resources: Parameters<MirrorTwin['setResources']>[0]) {
  const twin = new MirrorTwin();
  twin.setResources(resources);
  return twin;
}

/** The state of each copy of an image. */
export function states(entry: MirroredImage | undefined) {
  return entry?.copies.map(({ copy: text, state }) => `${text} ${state}`);
}

/** A copy was made. */
export function made(twin: MirrorTwin, resource = one, image = nginx, text = copy) {
  const known = { state: 'Available', mirroredAtMs: twin.nowMs, digest: 'sha256:a' } as const;
  twin.record(resource, image, text, known);
}

/** Goes on to a moment, planning as often as the plans say. */
export function elapse(twin: MirrorTwin, ms: number) {
  const untilMs = twin.nowMs + ms;
  for (let wakes = 0; wakes < 100; wakes += 1) {
    const { nextWakeMs = Number.POSITIVE_INFINITY } = twin;
    twin.nowMs = Math.min(untilMs, Math.max(nextWakeMs, twin.nowMs));
    twin.planAll();
    if (twin.nowMs === untilMs && (twin.nextWakeMs ?? Number.POSITIVE_INFINITY) > untilMs) return;
  }
}

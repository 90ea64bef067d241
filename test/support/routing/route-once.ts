import { applyPatch } from '#core/json-patch.ts';
import type { PodAdmission, PodObject } from '#core/pod.ts';
import { admissionOf, podOf } from './pods.ts';
import { clusterSet } from './resources.ts';
import { type RouterStageOptions, startRouter } from './router-stage.ts';

/** One image at three places that `equal` declares the same. */
export const image = 'quay.io/team/app:1';
export const ghcr = 'ghcr.io/team/app:1';
export const hub = 'docker.io/team/app:1';

/** A filter that matches every image. */
export const everything = { include: ['.*'] };
/** An image that is there. */
export const available = { kind: 'Available', afterMs: 10 } as const;

/** quay.io, ghcr.io and docker.io hold the same; each upstream with what else is given. */
export function equal(...given: readonly object[]) {
  const upstreams = ['quay.io', 'ghcr.io', 'docker.io'].map((registry, index) => ({
    registry,
    imageFilter: everything,
    ...given[index],
  }));
  return clusterSet('equal', { upstreams });
}

/** What one Pod comes out as, and what happened on the way. */
export async function route(
  options: RouterStageOptions,
  pod: PodObject = podOf(image),
  given: Partial<PodAdmission> = {},
) {
  const stage = startRouter({ resources: [equal()], ...options });
  const answer = await stage.admit(admissionOf(pod, given));
  const applied = applyPatch(pod, answer.patch);
  if (!applied.ok) throw new Error(applied.error.message);
  const out = applied.value as Required<PodObject>;
  return {
    ...{ stage, out, answer },
    images: answer.decisions.map(({ winner }) => winner),
    reasons: answer.decisions.map(({ reason }) => reason),
    secrets: out.spec.imagePullSecrets?.map(({ name }) => name),
  };
}

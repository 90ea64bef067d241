import type { ContainerObject, PodAdmission, PodObject, PullPolicy } from '#core/pod.ts';

/** A container as the API server sends it for review: its pull policy is set. */
export function container(
  name: string,
  image: string,
  imagePullPolicy: PullPolicy = 'IfNotPresent',
): ContainerObject {
  return { name, image, imagePullPolicy };
}

/** A Pod of one container named `app`, with whatever else is given. */
export function podOf(
  image: string,
  given: {
    readonly policy?: PullPolicy;
    readonly metadata?: PodObject['metadata'];
    readonly spec?: PodObject['spec'];
  } = {},
): PodObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', ...given.metadata },
    spec: { containers: [container('app', image, given.policy)], ...given.spec },
  };
}

/** A review of a new Pod in `default`, with whatever else is given. */
export function admissionOf(pod: PodObject, given: Partial<PodAdmission> = {}): PodAdmission {
  return { pod, namespace: 'default', subresource: '', dryRun: false, uid: 'review', ...given };
}

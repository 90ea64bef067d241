import { leaseName } from '#actors/leader/leadership.ts';
import { apiGroup, kinds } from '#api/kinds.ts';

/** Something that the API server lets one do, or not. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly plural: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What it is for. */
  readonly purpose: string;
}

/**
 * What the operator does that it has no way around; docs/security.md has every rule. Secrets are left
 * out: where it may read them is for whoever installs to say (`rbac.secrets`).
 */
export function neededRights({
  namespace,
  webhookConfiguration: name,
}: {
  readonly namespace: string;
  readonly webhookConfiguration: string;
}): readonly Right[] {
  const configuration = {
    ...{ group: 'admissionregistration.k8s.io', plural: 'mutatingwebhookconfigurations', name },
    purpose: 'the API server would not trust the operator',
  };
  const lease = {
    ...{ group: 'coordination.k8s.io', plural: 'leases', namespace, name: leaseName },
    purpose: 'nobody would lead',
  };
  const watched = ['list', 'watch'].flatMap((verb) => [
    { verb, group: '', plural: 'pods', purpose: 'nobody would know which images are in use' },
    ...kinds.map(({ plural }) => ({
      ...{ verb, group: apiGroup, plural, purpose: 'its declarations would not count' },
    })),
  ]);
  const written = kinds.map(({ plural }) => ({
    ...{ verb: 'patch', group: apiGroup, plural, subresource: 'status' },
    purpose: 'nothing would be told of it',
  }));
  return [
    ...watched,
    ...written,
    { verb: 'get', ...configuration },
    { verb: 'update', ...configuration },
    { verb: 'get', ...lease },
    { verb: 'update', ...lease },
    ...['list', 'create', 'patch', 'delete'].map((verb) => ({
      ...{ verb, group: '', plural: 'configmaps', namespace },
      purpose: 'what is too long for a status would be lost at a restart',
    })),
    {
      ...{ verb: 'create', group: 'events.k8s.io', plural: 'events' },
      purpose: 'nobody would be told what happened',
    },
  ];
}

import { type Result, succeed } from '#core/result.ts';
import type { KubeClient } from './client.ts';
import type { ApiFailure } from './failures.ts';

interface AccessReview {
  readonly status?: { readonly allowed?: boolean };
}

/**
 * Whether our own account may read the Secrets of a namespace, or of all where none is given: by
 * SelfSubjectAccessReview, which every account may ask, and which is no refusal in an audit log.
 */
export async function mayReadSecrets(
  client: Pick<KubeClient, 'call'>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Result<boolean, ApiFailure>> {
  const resourceAttributes = { verb: 'get', resource: 'secrets', namespace };
  const answer = await client.call<AccessReview>(
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
        spec: { resourceAttributes },
      },
    },
    signal,
  );
  return answer.ok ? succeed(answer.value.status?.allowed === true) : answer;
}

import type { Access, AccessQuestion } from '#core/access.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { KubeClient } from './client.ts';
import type { ApiFailure } from './failures.ts';

/**
 * Asks the API server, as its own endpoints and metrics servers do: TokenReview says who the bearer
 * is, SubjectAccessReview whether they may `get` a non-resource path.
 */
export async function reviewAccess(
  client: Pick<KubeClient, 'call'>,
  { token, path }: AccessQuestion,
  signal: AbortSignal,
): Promise<Access> {
  const who = await reviewToken(client, token, signal);
  if (!who.ok) return { kind: 'unanswered', message: who.error.message };
  if (who.value === undefined) return { kind: 'unknown' };
  const user = who.value;
  const { username = '', uid, groups, extra } = user;
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      ...{ user: username, uid, groups, extra },
      nonResourceAttributes: { path, verb: 'get' },
    },
  };
  const answer = await client.call<AccessReview>(
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: review,
    },
    signal,
  );
  if (!answer.ok) return { kind: 'unanswered', message: answer.error.message };
  const allowed = answer.value.status?.allowed === true;
  return allowed ? { kind: 'allowed' } : { kind: 'forbidden', user: username };
}

interface UserInfo {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

interface TokenReview {
  readonly status?: { readonly authenticated?: boolean; readonly user?: UserInfo };
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean };
}

/** Whose token it is; undefined where it is nobody's. */
async function reviewToken(
  client: Pick<KubeClient, 'call'>,
  token: string,
  signal: AbortSignal,
): Promise<Result<UserInfo | undefined, ApiFailure>> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  };
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const answer = await client.call<TokenReview>({ method: 'POST', path, body }, signal);
  if (!answer.ok) return fail(answer.error);
  const { authenticated, user } = answer.value.status ?? {};
  // Without a name there is nobody to be asked about, whatever else is said.
  return succeed(authenticated === true && user?.username ? user : undefined);
}

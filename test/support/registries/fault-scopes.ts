import type { IncomingMessage } from 'node:http';

/** One repository and what is to be done there. */
interface Access {
  readonly repository: string;
  readonly actions: readonly string[];
}

/** The scopes that a registry names in its challenge for a request, as distribution does. */
export function scopesFor(incoming: Pick<IncomingMessage, 'method' | 'url'>): readonly string[] {
  return accessFor(incoming).map(
    ({ repository, actions }) => `repository:${repository}:${actions.join(',')}`,
  );
}

/** Whether scopes that were granted cover all that a request needs. */
export function coversRequest(
  granted: readonly string[],
  incoming: Pick<IncomingMessage, 'method' | 'url'>,
): boolean {
  const accesses = granted.flatMap((scope) => scope.split(' ')).map(parseScope);
  return accessFor(incoming).every(({ repository, actions }) =>
    actions.every((action) =>
      accesses.some(
        (one) =>
          one.repository === repository &&
          (one.actions.includes(action) || one.actions.includes('*')),
      ),
    ),
  );
}

/** The repository that a path lies in. */
export function repositoryOf({ url = '' }: Pick<IncomingMessage, 'url'>): string | undefined {
  return /^\/v2\/(.+?)\/(?:manifests|blobs|tags|referrers)\//.exec(url)?.[1];
}

function accessFor(incoming: Pick<IncomingMessage, 'method' | 'url'>): readonly Access[] {
  const repository = repositoryOf(incoming);
  if (repository === undefined) return [];
  const { method = 'GET', url = '' } = incoming;
  const from = new URL(url, 'http://registry').searchParams.get('from');
  return [
    { repository, actions: actionsOf(method) },
    ...(from === null ? [] : [{ repository: from, actions: ['pull'] }]),
  ];
}

function actionsOf(method: string): readonly string[] {
  if (method === 'DELETE') return ['delete'];
  return method === 'GET' || method === 'HEAD' ? ['pull'] : ['pull', 'push'];
}

function parseScope(scope: string): Access {
  const [, repository = '', actions = ''] = /^repository:(.+):([^:]*)$/.exec(scope) ?? [];
  return { repository, actions: actions.split(',') };
}

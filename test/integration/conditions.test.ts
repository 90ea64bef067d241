import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { kinds } from '#api/kinds.ts';
import { eventsOf } from '#test/support/api-server/events.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { eventually } from '#test/support/time/eventually.ts';

let operator: OperatorProcess;

beforeAll(async () => {
  operator = await startOperator({ adminKubeconfig: adminKubeconfig() });
});
afterAll(async () => {
  await operator?.stop();
});

const kuik = '/apis/kuik.enix.io/v1alpha1';
/** Go takes it; compiled it is far beyond what one pattern may be. */
const exploding = `${'a{1000}'.repeat(12)}.*`;

/** Creates one resource, in `namespace` where its kind is namespaced; the answer is its path. */
async function declare(kind: string, spec: object, namespace = 'default'): Promise<string> {
  const info = kinds.find((one) => one.kind === kind);
  const place = info?.scope === 'Namespaced' ? `/namespaces/${namespace}` : '';
  const collection = `${kuik}${place}/${info?.plural}`;
  const metadata = { name: `c-${randomBytes(4).toString('hex')}` };
  const apiVersion = 'kuik.enix.io/v1alpha1';
  await admin().create(collection, { apiVersion, kind, metadata, spec });
  const path = `${collection}/${metadata.name}`;
  onTestFinished(() => admin().remove(path));
  return path;
}

/** Waits until the leader says this of the present generation. */
async function isSaid(path: string, status: string, reason: string) {
  return await eventually(`${path} is Ready=${status} for ${reason}`, async () => {
    const { metadata, status: said } = await admin().get(path);
    const ready = said?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
    expect(ready).toMatchObject({ status, reason, observedGeneration: metadata.generation });
    return { ...ready, uid: metadata.uid } as { message: string; uid: string };
  });
}

async function isWarned(uid: string, reason: string, note: string, namespace?: string) {
  await eventually(`a Warning ${reason} is told`, async () => {
    const events = await eventsOf(uid, namespace);
    const found = events.find((event) => event.reason === reason && event.type === 'Warning');
    return found?.note.includes(note);
  });
}

const upstreams = [
  { registry: 'a.example.com', imageFilter: { include: ['/team/.+'] } },
  { registry: 'b.example.com' },
];
const imageFilter = { include: ['.*/team/.+'] };
const mirrors = [{ registry: 'm.example.com' }];
const specs: Readonly<Record<string, object>> = {
  ReplicatedImageSet: { upstreams },
  ClusterReplicatedImageSet: { upstreams },
  ImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetMirror: { imageFilter, mirrors },
  ClusterImageSetAvailability: { imageFilter },
};

/** Each of the five kinds in one namespace, all at once: statuses are written once a second. */
async function eachKind(
  check: (
    kind: string,
    at: { readonly namespace: string; readonly home?: string },
  ) => Promise<void>,
): Promise<void> {
  const namespace = await freshNamespace();
  await Promise.all(
    kinds.map(({ kind, scope }) =>
      check(kind, { namespace, ...(scope === 'Namespaced' && { home: namespace }) }),
    ),
  );
}

describe('each of the five kinds', () => {
  test('is Ready when nothing is wrong with it, also after a change, and kubectl get shows it', async () => {
    await eachKind(async (kind, { namespace }) => {
      const path = await declare(kind, specs[kind] ?? {}, namespace);
      await isSaid(path, 'True', 'Ready');
      await admin().merge(path, { spec: { podFilter: { labels: { include: ['app=web'] } } } });
      await isSaid(path, 'True', 'Ready');
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
      const { body } = await admin().call('GET', path, { accept });
      const columns: { name: string }[] = body.columnDefinitions;
      expect(body.rows[0].cells[columns.findIndex(({ name }) => name === 'Ready')]).toBe('True');
    });
  });

  test('says which field is wrong, warns, disturbs no other, and is Ready when it is mended', async () => {
    await eachKind(async (kind, { namespace, home }) => {
      const podFilter = { labels: { include: ['tier in (web'] } };
      const path = await declare(kind, { ...specs[kind], podFilter }, namespace);
      const other = await declare(kind, specs[kind] ?? {}, namespace);
      const { message, uid } = await isSaid(path, 'False', 'InvalidSpec');
      expect(message).toContain('spec.podFilter.labels.include');
      expect(message).toContain('"tier in (web"');
      await isWarned(uid, 'InvalidSpec', 'spec.podFilter.labels.include', home);
      await isSaid(other, 'True', 'Ready');
      await admin().merge(path, { spec: { podFilter: { labels: { include: ['tier=web'] } } } });
      await isSaid(path, 'True', 'Ready');
      await eventually('both are logged, once', () => {
        const [left, ...back] = loggedOf(path.split('/').at(-1) ?? '');
        return left?.includes('"level":"warn"') && back.length === 1;
      });
    });
  });

  test('says so when it can match nothing', async () => {
    await eachKind(async (kind, { namespace, home }) => {
      const bare = kind.endsWith('ReplicatedImageSet')
        ? { upstreams: [{ registry: 'a.example.com' }] }
        : { ...specs[kind], imageFilter: {} };
      const path = await declare(kind, bare, namespace);
      const { uid } = await isSaid(path, 'True', 'MatchesNothing');
      await isWarned(uid, 'MatchesNothing', 'imageFilter', home);
    });
  });
});

/** What the log says of whether a resource counts. */
function loggedOf(name: string): readonly string[] {
  const lines = operator.logs().split('\n');
  return lines.filter(
    (line) => line.includes(name) && /"msg":"a resource is (in)?valid/.test(line),
  );
}

describe('a pattern that is too large', () => {
  test('keeps the resource out, with the field and the limit in the message', async () => {
    const spec = { imageFilter: { include: ['x', exploding] } };
    const path = await declare('ClusterImageSetAvailability', spec);
    const { message } = await isSaid(path, 'False', 'InvalidSpec');
    expect(message).toMatch(/spec\.imageFilter\.include: .*at most 10000 instructions/);
  });

  test('of one upstream keeps that one out, and the rest of the set goes on', async () => {
    const namespace = await freshNamespace();
    const bad = { registry: 'c.example.com', imageFilter: { include: [exploding] } };
    const path = await declare('ReplicatedImageSet', { upstreams: [bad, ...upstreams] }, namespace);
    const { message } = await isSaid(path, 'False', 'InvalidSpec');
    expect(message).toContain('spec.upstreams[0].imageFilter');
    const query = `namespace=${namespace}&image=a.example.com/team/app:1`;
    const answer = await (await fetch(`${operator.debugUrl}/debug/route?${query}`)).json();
    const { candidates } = answer as { candidates: { image: string }[] };
    expect(candidates.map(({ image }) => image)).toEqual([
      'a.example.com/team/app:1',
      'b.example.com/team/app:1',
    ]);
  });
});

describe('a Secret that a resource names', () => {
  const createSecret = (namespace: string, name: string, host: string) =>
    storePullSecret(
      { namespace, name },
      { auths: { [host]: { username: 'a', password: 'hunter2' } } },
    );

  test('and that is missing is told with its field, and the resource heals when it comes', async () => {
    const namespace = await freshNamespace();
    const credentialSecret = { namespace, name: 'pull' };
    const path = await declare('ClusterReplicatedImageSet', {
      upstreams: [upstreams[0], { registry: 'b.example.com', credentialSecret }],
    });
    const { message, uid } = await isSaid(path, 'False', 'CredentialsMissing');
    const expected = `spec.upstreams[1].credentialSecret: Secret ${namespace}/pull does not exist`;
    expect(message).toBe(expected);
    await isWarned(uid, 'CredentialsMissing', expected);
    await createSecret(namespace, 'pull', 'b.example.com');
    await isSaid(path, 'True', 'Ready');
    await admin().remove(`/api/v1/namespaces/${namespace}/secrets/pull`);
    await isSaid(path, 'False', 'CredentialsMissing');
  });

  test('and that opens another registry is told without a word of what is in it', async () => {
    const namespace = await freshNamespace();
    await createSecret(namespace, 'push', 'elsewhere.example.com');
    const spec = {
      imageFilter,
      mirrors: [{ registry: 'm.example.com', credentialSecret: { name: 'push' } }],
    };
    const path = await declare('ImageSetMirror', spec, namespace);
    const { message } = await isSaid(path, 'False', 'CredentialsMissing');
    expect(message).toBe(
      `spec.mirrors[0].credentialSecret: Secret ${namespace}/push holds no credential for m.example.com`,
    );
    expect(operator.logs()).not.toContain('hunter2');
  });
});

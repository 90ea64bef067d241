import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import { eventsIn } from '#test/support/api-server/events.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { pullSecretType, storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * Private registries past a real API server: whose credentials open what, and what is put beside a
 * Pod. On the open registry there is nothing; the same is declared to lie on the private one.
 */
let stage: AdmissionStage;
let open: TestRegistry;
let locked: TestRegistry;

beforeAll(async () => {
  [open, locked, stage] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['robot', 'team'] }),
    startAdmissionStage(),
  ]);
  // A name of its own for each test: what was asked with one credential is remembered for a second.
  const names = 'abcdefghijklmnop'.split('');
  await Promise.all(names.map((name) => pushImage(locked, `team/${name}:1`)));
});

afterAll(async () => {
  await stage?.stop();
  await Promise.all([open?.remove(), locked?.remove()]);
});

const wanted = (name: string) => `${open.host}/team/${name}:1`;
const there = (name: string) => `${locked.host}/team/${name}:1`;

/** A pull secret that opens the private registry, and says so for one that is nobody's business. */
async function createPullSecret(
  namespace: string,
  name: string,
  username = 'robot',
  password = registryPassword,
): Promise<void> {
  const auths = {
    [locked.host]: { username, password },
    'elsewhere.example.com': { username: 'admin', password: 'stays at home' },
  };
  await storePullSecret({ namespace, name }, { auths });
}

const upstreams = (locks: object = {}) => [
  { registry: open.host, path: '/team', imageFilter: { include: ['.*'] } },
  { registry: locked.host, path: '/team', imageFilter: { include: ['.*'] }, ...locks },
];

/** Declares both the same for the Pods of one namespace, by a cluster-scoped set. */
async function declareEqual(namespace: string, locks: object = {}) {
  const set = await stage.declare('ClusterReplicatedImageSet', {
    name: `equal-${namespace}`,
    spec: { upstreams: upstreams(locks), namespaceFilter: { include: [namespace] } },
  });
  await stage.proposed(namespace, wanted('never-asked'), there('never-asked'));
  return set;
}

/** A namespace with the Secret that entries name, as that entry. */
async function vaultWith(name = 'pull') {
  const vault = await freshNamespace('vault');
  await createPullSecret(vault, name);
  return { credentialSecret: { name, namespace: vault } };
}

const secretsOf = (pod: { spec: { imagePullSecrets?: { name: string }[] } }) =>
  (pod.spec.imagePullSecrets ?? []).map(({ name }) => name);
const secretNamesIn = async (namespace: string): Promise<string[]> =>
  (await admin().get(`/api/v1/namespaces/${namespace}/secrets`)).items.map(
    ({ metadata }: { metadata: { name: string } }) => metadata.name,
  );
const namingSecret = (name: string) => ({ imagePullSecrets: [{ name }] });

describe('a Secret that the winner’s entry names', () => {
  test('is copied beside the Pod with what it declares there, and named by the Pod', async () => {
    const namespace = await freshNamespace();
    const set = await declareEqual(namespace, await vaultWith());
    const { pod, warnings } = await createPod(namespace, oneContainer(wanted('a')));
    expect(pod.spec.containers[0].image).toBe(there('a'));
    expect(warnings).toEqual([]);
    const [name = '', ...others] = secretsOf(pod);
    expect([name, others]).toEqual([expect.stringMatching(/^kuik-pull-[0-9a-f]{16}$/), []]);
    const copy = await admin().get(`/api/v1/namespaces/${namespace}/secrets/${name}`);
    const { uid } = set.metadata;
    expect(copy.metadata.labels).toEqual({
      'kuik.enix.io/owner-group': 'kuik.enix.io',
      'kuik.enix.io/owner-version': 'v1alpha1',
      'kuik.enix.io/owner-kind': 'ClusterReplicatedImageSet',
      'kuik.enix.io/owner-name': set.metadata.name,
      'kuik.enix.io/owner-uid': uid,
    });
    expect(copy.metadata.ownerReferences).toMatchObject([{ kind: set.kind, uid }]);
    expect([copy.type, JSON.parse(atob(copy.data['.dockerconfigjson']))]).toEqual([
      pullSecretType,
      { auths: { [locked.host]: { username: 'robot', password: registryPassword } } },
    ]);
  });

  test('joins the secrets that the Pod and its service account name already', async () => {
    const namespace = await freshNamespace();
    await createPullSecret(namespace, 'own', 'nobody', 'wrong');
    await admin().merge(`/api/v1/namespaces/${namespace}/serviceaccounts/default`, {
      imagePullSecrets: [{ name: 'own' }],
    });
    await declareEqual(namespace, await vaultWith());
    // The account's secret is known to the API server a moment after it was told.
    const { pod } = await eventually('a Pod gets the secret of its account', async () => {
      const made = await createPod(namespace, oneContainer(wanted('b')));
      return secretsOf(made.pod).includes('own') && made;
    });
    expect(pod.spec.containers[0].image).toBe(there('b'));
    expect(secretsOf(pod)).toEqual(['own', expect.stringMatching(/^kuik-pull-/)]);
  });

  test('is not needed where the Pod’s own is let in', async () => {
    const namespace = await freshNamespace();
    await createPullSecret(namespace, 'own', 'team');
    await declareEqual(namespace);
    const spec = { ...oneContainer(wanted('c')), ...namingSecret('own') };
    const { pod } = await createPod(namespace, spec);
    expect(pod.spec.containers[0].image).toBe(there('c'));
    expect(secretsOf(pod)).toEqual(['own']);
    expect(await secretNamesIn(namespace)).toEqual(['own']);
  });

  test('is named as it is where it lives beside the Pod: a namespaced kind has no other', async () => {
    const namespace = await freshNamespace();
    await createPullSecret(namespace, 'pull');
    await stage.declare('ReplicatedImageSet', {
      ...{ name: 'equal', namespace },
      spec: {
        upstreams: upstreams({ credentialSecret: { name: 'pull', namespace: 'kube-system' } }),
      },
    });
    await stage.proposed(namespace, wanted('never-asked'), there('never-asked'));
    const { pod } = await createPod(namespace, oneContainer(wanted('d')));
    expect(pod.spec.containers[0].image).toBe(there('d'));
    expect(annotationsOf(pod).by).toEqual({ app: `ReplicatedImageSet/${namespace}/equal` });
    expect(secretsOf(pod)).toEqual(['pull']);
    expect(await secretNamesIn(namespace)).toEqual(['pull']);
  });

  test('opens the original, too, when the Pod cannot: its image stays, a copy is put beside it', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace, await vaultWith('quay'));
    const { pod } = await createPod(namespace, oneContainer(there('e')));
    expect(pod.spec.containers[0].image).toBe(there('e'));
    expect(annotationsOf(pod).originals).toBeNull();
    expect(secretsOf(pod)).toEqual([expect.stringMatching(/^kuik-quay-/)]);
  });
});

test('a copy whose place is taken by somebody else’s Secret is passed over, with a warning', async () => {
  const namespace = await freshNamespace();
  const entry = await vaultWith();
  const set = await declareEqual(namespace, entry);
  const name = await secretCopyName(entry.credentialSecret, { kind: set.kind, ...set.metadata });
  await createPullSecret(namespace, name, 'nobody', 'wrong');
  const { pod, warnings } = await createPod(namespace, oneContainer(wanted('n')));
  expect(pod.spec.containers[0].image).toBe(wanted('n'));
  expect([secretsOf(pod), await secretNamesIn(namespace)]).toEqual([[], [name]]);
  expect(warnings.join(' ')).toContain('belongs to somebody else');
});

describe('nothing is written', () => {
  test('on a dry run, which is answered like any other', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace, await vaultWith());
    const spec = oneContainer(wanted('f'));
    const { pod } = await createPod(namespace, spec, { dryRun: true });
    expect(pod.spec.containers[0].image).toBe(there('f'));
    expect(secretsOf(pod)).toEqual([expect.stringMatching(/^kuik-pull-/)]);
    expect(await secretNamesIn(namespace)).toEqual([]);
    expect(await eventsIn(namespace)).toEqual([]);
  });

  test('when the Pod is not rewritten', async () => {
    const namespace = await freshNamespace();
    await declareEqual(namespace, await vaultWith());
    await pushImage(open, 'team/g:1');
    const before = await stage.operator.reviews();
    const { pod } = await createPod(namespace, oneContainer(wanted('g')));
    expect(pod.spec.containers[0].image).toBe(wanted('g'));
    expect([secretsOf(pod), await secretNamesIn(namespace)]).toEqual([[], []]);
    expect(await stage.operator.reviews()).toBeGreaterThan(before);
  });
});

describe('what one namespace has', () => {
  test('is no other’s: neither a resource nor what was asked with its credentials', async () => {
    const [rich, poor, stranger] = await Promise.all([
      freshNamespace(),
      freshNamespace(),
      freshNamespace(),
    ]);
    await createPullSecret(rich, 'pull');
    await stage.declare('ReplicatedImageSet', {
      ...{ name: 'equal', namespace: rich },
      spec: { upstreams: upstreams({ credentialSecret: { name: 'pull' } }) },
    });
    // The same words, and no Secret of that name in this namespace.
    await stage.declare('ReplicatedImageSet', {
      ...{ name: 'equal', namespace: poor },
      spec: { upstreams: upstreams({ credentialSecret: { name: 'pull', namespace: rich } }) },
    });
    await stage.proposed(rich, wanted('never-asked'), there('never-asked'));
    await stage.proposed(poor, wanted('never-asked'), there('never-asked'));
    // At once, so that all that is remembered or in flight would be shared.
    const [first, second, third] = await Promise.all(
      [rich, poor, stranger].map((namespace) => createPod(namespace, oneContainer(wanted('h')))),
    );
    expect(first?.pod.spec.containers[0].image).toBe(there('h'));
    expect(second?.pod.spec.containers[0].image).toBe(wanted('h'));
    expect(second?.warnings.join(' ')).toContain('InvalidAuth');
    expect(third?.pod.spec.containers[0].image).toBe(wanted('h'));
    expect(third?.warnings).toEqual([]);
    expect(await secretNamesIn(poor)).toEqual([]);
    expect(await secretNamesIn(stranger)).toEqual([]);
  });

  test('is not its neighbour’s of the same cluster-scoped set when the Pod’s own Secrets differ', async () => {
    const [rich, poor] = await Promise.all([freshNamespace(), freshNamespace()]);
    await createPullSecret(rich, 'own', 'team');
    await createPullSecret(poor, 'own', 'team', 'wrong');
    await stage.declare('ClusterReplicatedImageSet', {
      name: `both-${rich}`,
      spec: { upstreams: upstreams(), namespaceFilter: { include: [rich, poor] } },
    });
    await stage.proposed(poor, wanted('never-asked'), there('never-asked'));
    const [first, second] = await Promise.all(
      [rich, poor].map((namespace) =>
        createPod(namespace, { ...oneContainer(wanted('i')), ...namingSecret('own') }),
      ),
    );
    expect(first?.pod.spec.containers[0].image).toBe(there('i'));
    expect(second?.pod.spec.containers[0].image).toBe(wanted('i'));
  });
});

describe('a Secret that is missing or broken keeps no Pod out', () => {
  test('the entry’s: the candidate is asked with what the Pod has, and a warning names it', async () => {
    const namespace = await freshNamespace();
    await createPullSecret(namespace, 'own', 'team');
    const vault = await freshNamespace('vault');
    await declareEqual(namespace, { credentialSecret: { name: 'gone', namespace: vault } });
    const spec = { ...oneContainer(wanted('j')), ...namingSecret('own') };
    const { pod, warnings } = await createPod(namespace, spec);
    expect(pod.spec.containers[0].image).toBe(there('j'));
    expect(warnings.join(' ')).toContain(`${vault}/gone`);
  });

  test('the Pod’s own: it is skipped, and a warning names it', async () => {
    const namespace = await freshNamespace();
    const broken = { auths: { x: { auth: 'no base64' } } };
    await storePullSecret({ namespace, name: 'broken' }, broken);
    await declareEqual(namespace, await vaultWith());
    const spec = {
      ...oneContainer(wanted('k')),
      imagePullSecrets: [{ name: 'broken' }, { name: 'gone' }],
    };
    const { pod, warnings } = await createPod(namespace, spec);
    expect(pod.spec.containers[0].image).toBe(there('k'));
    expect(secretsOf(pod)).toEqual(['broken', 'gone', expect.stringMatching(/^kuik-pull-/)]);
    expect(warnings.join(' ')).toContain(`${namespace}/broken`);
    expect(warnings.join(' ')).toContain(`${namespace}/gone`);
  });
});

test('an ephemeral container runs only what the secrets now named in its Pod can pull', async () => {
  const debug = async (pod: { metadata: { namespace?: string; name?: string } }, image: string) => {
    const { namespace, name } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/ephemeralcontainers`;
    const ephemeralContainers = [{ name: 'shell', image }];
    const { body } = await admin().merge(path, { spec: { ephemeralContainers } });
    return body.spec.ephemeralContainers[0].image;
  };
  const namespace = await freshNamespace();
  await declareEqual(namespace, await vaultWith());
  const { pod: without } = await createPod(namespace, oneContainer('quay.io/other/app:1'));
  expect(await debug(without, wanted('l'))).toBe(wanted('l'));
  expect(await secretNamesIn(namespace)).toEqual([]);
  const { pod: withCopy } = await createPod(namespace, oneContainer(wanted('m')));
  expect(await debug(withCopy, wanted('l'))).toBe(there('l'));
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { renderRights } from '#test/support/api-server/rendered-rights.ts';
import {
  type AdmissionStage,
  startAdmissionStage,
} from '#test/support/operator/admission-stage.ts';
import { annotationsOf, createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The operator where the chart lets it read the Secrets of some namespaces, or of none. */
let open: TestRegistry;
let locked: TestRegistry;
/** The one that is listed, the one that is not, and where the lent Secret lies, listed too. */
let team: string;
let other: string;
let vault: string;

beforeAll(async () => {
  [open, locked] = await Promise.all([startRegistry(), startRegistry({ users: ['robot'] })]);
  [team, other, vault] = (await Promise.all(
    ['team', 'other', 'vault'].map((prefix) => createNamespace(admin(), prefix)),
  )) as [string, string, string];
  await Promise.all(['a', 'b', 'c'].map((name) => pushImage(locked, `team/${name}:1`)));
  await pushImage(open, 'team/c:1');
  for (const namespace of [team, other, vault]) {
    const auths = { [locked.host]: { username: 'robot', password: registryPassword } };
    await storePullSecret({ namespace, name: 'pull' }, { auths });
  }
});
afterAll(async () => {
  for (const path of declared) await admin().remove(path);
  await Promise.all([team, other, vault].map((name) => removeNamespace(admin(), name)));
  await Promise.all([open, locked].map((registry) => registry?.remove()));
});

/** Not found by name: no registry answers there. */
const away = 'registry.invalid';
const noRight = 'kuik has no right to read Secrets there';
const sets = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
const declared: string[] = [];

/** A set that lends a Secret for the locked registry to the namespaces that match. */
async function lend(name: string, from: string, to: string) {
  const upstreams = [
    { registry: away, path: `/${name}`, imageFilter: { include: ['.+'] } },
    {
      ...{ registry: locked.host, path: '/team' },
      credentialSecret: { name: 'pull', namespace: from },
    },
  ];
  const { body } = await admin().create(sets, {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterReplicatedImageSet' },
    metadata: { name: `${name}-${team}` },
    spec: { namespaceFilter: { include: [to] }, upstreams },
  });
  declared.push(`${sets}/${body.metadata.name}`);
  return body;
}

async function conditionOf(set: { readonly metadata: { readonly name: string } }) {
  return await eventually('what the set is told is written', async () => {
    const { status } = await admin().get(`${sets}/${set.metadata.name}`);
    const conditions: { type: string; reason: string; message: string }[] =
      status?.conditions ?? [];
    return conditions.find(({ type }) => type === 'Ready');
  });
}

/** A line a Secret is news; more, or a line that somebody has to act on, would be an alarm. */
async function isCalm({ operator }: AdmissionStage): Promise<void> {
  const lines = operator
    .logs()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; msg: string; actor?: string });
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  const refused = lines.filter(({ level, msg }) => level === 'warn' && !ofTheWorld.includes(msg));
  expect(new Set(refused.map(({ msg }) => msg))).toEqual(new Set([watchIsRefused]));
  const secrets = refused.map(({ actor = '' }) => actor);
  expect(secrets).toEqual([...new Set(secrets)]);
  expect(secrets.every((actor) => actor.startsWith('secret '))).toBe(true);
}

/** A registry that is away, and a Pod for which nothing answered. */
const ofTheWorld = ['a registry does not answer; it is set aside', 'an image was decided on'];
const watchIsRefused = 'watch interrupted; tries again';

describe('where the Secrets of some namespaces may be read', () => {
  let stage: AdmissionStage;
  let lends: Awaited<ReturnType<typeof lend>>;
  let copy: string;
  const copyPath = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets/${copy}`;

  beforeAll(async () => {
    lends = await lend('lends', vault, `${team}|${other}`);
    const { kind, metadata } = lends;
    const owner = { kind, name: metadata.name, uid: metadata.uid };
    copy = await secretCopyName({ namespace: vault, name: 'pull' }, owner);
    // As kuik v2 has left it; nobody names it.
    await admin().create(`/api/v1/namespaces/${team}/secrets`, {
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/dockerconfigjson' },
      metadata: { name: copy, labels: { 'kuik.enix.io/owner-uid': owner.uid } },
      stringData: { '.dockerconfigjson': '{"auths":{}}' },
    });
    // Where there are Pods there may be copies.
    await createPod(team, oneContainer('docker.io/library/idle:1'));
    stage = await startAdmissionStage({ rights: { secrets: [team, vault], policy: {} } });
  });
  afterAll(() => stage?.stop());

  test('copies are found and kept there, though not all can be listed', async () => {
    await eventually('the copy of kuik v2 is taken over', async () => {
      const { metadata } = await admin().get(copyPath(team));
      return metadata.ownerReferences?.[0]?.uid === lends.metadata.uid;
    });
  });

  test('a Pod there is given a copy, and one elsewhere keeps its image and is told why', async () => {
    await stage.proposed(team, `${away}/lends/a:1`, `${locked.host}/team/a:1`);
    const there = await createPod(team, oneContainer(`${away}/lends/a:1`));
    expect(there.pod.spec.imagePullSecrets).toEqual([{ name: copy }]);
    const elsewhere = await createPod(other, oneContainer(`${away}/lends/b:1`));
    expect(elsewhere.pod.spec.containers[0].image).toBe(`${away}/lends/b:1`);
    expect(elsewhere.warnings.join()).toContain(`the service account ${other}/default`);
    expect(await admin().get(copyPath(other))).toBeUndefined();
  });

  test('a resource whose Secret lies elsewhere is told so', async () => {
    const set = await lend('elsewhere', other, team);
    const { reason, message } = await conditionOf(set);
    const secret = `spec.upstreams[1].credentialSecret: Secret ${other}/pull`;
    expect([reason, message]).toEqual(['CredentialsMissing', `${secret} was not read: ${noRight}`]);
  });

  test('nothing else is amiss', () => isCalm(stage));
});

describe('where no Secret may be read', () => {
  let stage: AdmissionStage;

  beforeAll(async () => {
    const config = { mirroring: { platforms: 'all' } };
    const rights = { secrets: 'none', policy: {}, platforms: 'all' } as const;
    stage = await startAdmissionStage({ config, rights });
  });
  afterAll(() => stage?.stop());

  test('a Pod goes where nobody asks for a Secret, with a warning of its own', async () => {
    await stage.declare('ReplicatedImageSet', {
      ...{ name: 'equal', namespace: team },
      spec: {
        upstreams: [
          { registry: locked.host, path: '/team', imageFilter: { include: ['.+'] } },
          { registry: open.host, path: '/team' },
        ],
      },
    });
    await stage.proposed(team, `${locked.host}/team/c:1`, `${open.host}/team/c:1`);
    const spec = {
      ...oneContainer(`${locked.host}/team/c:1`),
      imagePullSecrets: [{ name: 'pull' }],
    };
    const { pod, warnings } = await createPod(team, spec);
    expect(pod.spec.containers[0].image).toBe(`${open.host}/team/c:1`);
    expect(annotationsOf(pod).reason).toEqual({ app: 'OriginalInvalidAuth' });
    expect(warnings).toContain(
      `kuik: Secret ${team}/pull was not read: ${noRight}; it was asked without it`,
    );
    expect(warnings.join()).not.toContain('system:serviceaccount');
  });

  test('an image that only a Secret opens is monitored as such', async () => {
    const path = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';
    const image = `${locked.host}/team/a:1`;
    const imagePullSecrets = [{ name: 'pull' }];
    await createPod(vault, { ...oneContainer(image), imagePullSecrets });
    await admin().create(path, {
      ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterImageSetAvailability' },
      metadata: { name: team },
      spec: {
        ...{ namespaceFilter: { include: [vault] }, imageFilter: { include: [image] } },
      },
    });
    declared.push(`${path}/${team}`);
    const entry = await eventually('it was checked', async () => {
      const { status } = await admin().get(`${path}/${team}`);
      const [told] = (status?.images ?? []) as { status: string; lastError?: string }[];
      return told?.status === 'Scheduled' ? undefined : told;
    });
    expect(entry.status).toBe('UnavailableSecret');
    expect(entry.lastError).toContain(`Secret ${vault}/pull was not read: ${noRight}`);
    // What kubelets can pull puts nobody at risk, and wakes nobody.
    const { metricsUrl } = stage.operator;
    const answer = await fetch(`${metricsUrl}/status/workloads?namespace=${vault}`);
    expect(await answer.json()).toMatchObject({ workloads: [], imagesUnreadable: 1 });
    const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
    expect(metrics).toContain('status="UnavailableSecret"');
    expect(metrics).not.toMatch(/^kube_image_keeper_monitoring_workload_images_unavailable{/m);
  });

  test('a resource that names a Secret is told so', async () => {
    const { reason, message } = await conditionOf(await lend('none', vault, team));
    expect(reason).toBe('CredentialsMissing');
    expect(message).toContain(noRight);
  });

  test('nothing else is amiss, and nobody asks for what the nodes can run', async () => {
    await isCalm(stage);
    expect(stage.operator.logs()).not.toContain('reflector:nodes');
    expect(await renderRights({ name: 'a', namespace: 'b' }, { platforms: 'all' })).not.toContain(
      'nodes',
    );
  });
});

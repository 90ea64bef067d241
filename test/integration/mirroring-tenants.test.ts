import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  becomes,
  createPod,
  digestAt,
  entryOf,
  mirrorTo,
} from '#test/support/mirroring/mirror-resource.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Who mirrors with whose credentials, on real registries: what one tenant has no other gets. */
let operator: OperatorProcess;
/** Has everything, and asks nobody who is there. */
let store: TestRegistry;
/** The way to it that all take: lets in three users, `alice` alone below `team-a`, and counts. */
let shared: FaultRegistry;

const users = { alice: registryPassword, bob: registryPassword, pusher: registryPassword };
const basicOf = (user: string) => `Basic ${btoa(`${user}:${registryPassword}`)}`;

beforeAll(async () => {
  [store, operator] = await Promise.all([
    startRegistry(),
    startOperator({ adminKubeconfig: adminKubeconfig() }),
  ]);
  shared = await startFaultRegistry({ upstream: store });
});
afterAll(async () => {
  await operator?.stop();
  await Promise.all([store?.remove(), shared?.close()]);
});
beforeEach(() => {
  shared.setAuth({ kind: 'basic', users });
  shared.setRules({
    path: /^\/v2\/team-a\//,
    authorization: new RegExp(`^(?!${basicOf('alice')}$)`),
    fault: { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } },
  });
  shared.resetCounts();
});

async function storeSecret(
  namespace: string,
  name: string,
  hosts: Readonly<Record<string, string>>,
) {
  const auths = Object.entries(hosts).map(([host, username]) => [
    host,
    { username, password: registryPassword },
  ]);
  await storePullSecret({ namespace, name }, { auths: Object.fromEntries(auths) });
  return { name };
}

const clusterMirrors = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';

async function mirrorForAll(
  name: string,
  namespaces: readonly string[],
  mirror: object,
): Promise<string> {
  const path = `${clusterMirrors}/${name}`;
  await admin().create(clusterMirrors, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetMirror',
    metadata: { name },
    spec: {
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: namespaces },
      mirrors: [mirror],
    },
  });
  onTestFinished(() => admin().remove(path));
  return path;
}

describe("another team's private image", () => {
  test('gives who names it neither bytes nor a mount, on the very registry of the mirror', async () => {
    const { digest } = await pushImage(store, 'team-a/app:1');
    const image = `${shared.host}/team-a/app:1`;
    // Team A mirrors it: what it was let in for is known, and there to be mounted.
    const ours = await freshNamespace('a');
    const credentialSecret = await storeSecret(ours, 'push', { [shared.host]: 'alice' });
    const pathOfA = await mirrorTo(ours, [
      { registry: shared.host, path: `/${ours}`, credentialSecret },
    ]);
    await storeSecret(ours, 'pull', { [shared.host]: 'alice' });
    await createPod(ours, image, { imagePullSecrets: [{ name: 'pull' }] });
    await becomes(pathOfA, image, 'Available');
    expect(await digestAt(store, `${ours}/team-a/app`, '1')).toBe(digest);
    shared.resetCounts();
    // Team B names it without the Secret, by a mirror of its own and by one of the whole cluster.
    const theirs = await freshNamespace('b');
    const pushSecret = await storeSecret(theirs, 'push', { [shared.host]: 'bob' });
    const path = await mirrorTo(theirs, [
      { registry: shared.host, path: `/${theirs}`, credentialSecret: pushSecret },
    ]);
    const pathOfAll = await mirrorForAll(`all-${theirs}`, [theirs], {
      ...{ registry: shared.host, path: `/all-${theirs}` },
      credentialSecret: { ...pushSecret, namespace: theirs },
    });
    await createPod(theirs, image);
    for (const one of [path, pathOfAll]) {
      await eventually('it was tried in vain', async () => {
        const [copy] = (await entryOf(one, image))?.mirrors ?? [];
        return copy?.lastError !== undefined && copy.state !== 'Available';
      });
    }
    const requests = shared.requests();
    const read = requests.filter(({ path: asked }) => asked.startsWith('/v2/team-a/'));
    expect(read.length).toBeGreaterThan(0);
    expect(read.filter(({ authorization }) => authorization === basicOf('alice'))).toEqual([]);
    expect(requests.filter(({ path: asked }) => /[?&](from|mount)=/.test(asked))).toEqual([]);
    expect(shared.traffic.blobBytesServed()).toBe(0);
    expect(await digestAt(store, `${theirs}/team-a/app`, '1')).toBeUndefined();
    expect(await digestAt(store, `all-${theirs}/team-a/app`, '1')).toBeUndefined();
  });

  test('is not read along when both teams have it copied at the same time', async () => {
    await pushImage(store, 'team-a/together:1', { layer: Buffer.alloc(2_000_000, 'a') });
    const image = `${shared.host}/team-a/together:1`;
    const [ours, theirs] = [await freshNamespace('a'), await freshNamespace('b')];
    const paths = new Map<string, string>();
    for (const [namespace, user] of [[ours, 'alice'] as const, [theirs, 'bob'] as const]) {
      const credentialSecret = await storeSecret(namespace, 'push', { [shared.host]: user });
      const entry = { registry: shared.host, path: `/${namespace}`, credentialSecret };
      paths.set(namespace, await mirrorTo(namespace, [entry]));
    }
    await storeSecret(ours, 'pull', { [shared.host]: 'alice' });
    await Promise.all([
      createPod(ours, image, { imagePullSecrets: [{ name: 'pull' }] }),
      createPod(theirs, image),
    ]);
    await becomes(paths.get(ours) ?? '', image, 'Available');
    await eventually('it was tried in vain', async () => {
      const [copy] = (await entryOf(paths.get(theirs) ?? '', image))?.mirrors ?? [];
      return copy?.lastError !== undefined && copy.state !== 'Available';
    });
    const below = shared.requests().filter(({ path }) => path.startsWith(`/v2/${theirs}/`));
    expect(below.filter(({ method }) => method !== 'HEAD' && method !== 'GET')).toEqual([]);
    expect(await digestAt(store, `${theirs}/team-a/together`, '1')).toBeUndefined();
  });
});

describe('the credential that pushes', () => {
  test('is copied into no namespace where another is given to pull with', async () => {
    const [vault, namespace] = [await freshNamespace('vault'), await freshNamespace()];
    const dying = await startRegistry();
    onTestFinished(dying.remove);
    await pushImage(dying, 'public/app:1');
    const image = `${dying.host}/public/app:1`;
    await storeSecret(vault, 'push', { [shared.host]: 'pusher' });
    await storeSecret(vault, 'pull', { [shared.host]: 'bob' });
    const path = await mirrorForAll(`kept-${namespace}`, [namespace], {
      ...{ registry: shared.host, path: `/${namespace}` },
      credentialSecret: { name: 'push', namespace: vault },
      pullCredentialSecret: { name: 'pull', namespace: vault },
    });
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
    await dying.stop();
    const { pod } = await createIn(namespace, oneContainer(image));
    expect(pod.spec.containers[0].image).toBe(`${shared.host}/${namespace}/public/app:1`);
    const { body } = await admin().call('GET', '/api/v1/secrets');
    const secrets = body.items as {
      metadata: { namespace: string; name: string };
      data?: Readonly<Record<string, string>>;
    }[];
    const holding = (user: string) =>
      secrets
        .filter(({ data }) => atob(data?.['.dockerconfigjson'] ?? '').includes(`"${user}"`))
        .map(({ metadata }) => metadata.namespace)
        .sort();
    expect(holding('pusher')).toEqual([vault]);
    expect(holding('bob').filter((one) => one === namespace || one === vault)).toEqual(
      [namespace, vault].sort(),
    );
  });

  test('goes to no realm that another path of the registry has named', async () => {
    const namespace = await freshNamespace();
    const catcher = await startFaultRegistry();
    const realm = (url: string) => `Bearer realm="${url}/token",service="fault"`;
    onTestFinished(catcher.close);
    await pushImage(store, 'team-c/app:1');
    shared.setAuth({ kind: 'bearer', users, anonymous: true });
    shared.setRules({
      path: /^\/v2\/evil\//,
      fault: {
        ...{ kind: 'answer', status: 401 },
        headers: { 'www-authenticate': realm(catcher.url) },
      },
    });
    const credentialSecret = await storeSecret(namespace, 'push', { [shared.host]: 'pusher' });
    const path = await mirrorTo(namespace, [
      { registry: shared.host, path: `/${namespace}`, credentialSecret },
    ]);
    // What names the realm is asked first, and again between copies.
    for (const [index, name] of ['evil/app:1', 'team-c/app:1', 'evil/app:2'].entries()) {
      const image = `${shared.host}/${name}`;
      await createPod(namespace, image);
      if (index === 1) await becomes(path, image, 'Available');
      else {
        await eventually('it was tried in vain', async () => {
          return (await entryOf(path, image))?.mirrors[0]?.lastError !== undefined;
        });
      }
    }
    expect(catcher.requests().length).toBeGreaterThan(0);
    expect(catcher.requests().flatMap(({ authorization }) => authorization ?? [])).toEqual([]);
    const told = shared.requests().filter(({ path: asked }) => asked.startsWith('/token'));
    expect(told.map(({ authorization }) => authorization)).toContain(basicOf('pusher'));
  });
});

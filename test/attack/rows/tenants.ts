import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, equalPlaces, podOf, secretOf } from '#test/attack/attack-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

const halfSentReviews = join(import.meta.dirname, '..', 'half-sent-reviews.ts');
const auth = { auth: 'c29tZW9uZTpzZWNyZXQ=' };

/** What somebody with rights in one namespace, or with a way to :9443, gets of others. */
export const tenantRows: readonly AttackRow[] = [
  {
    ...{ id: 'A3', attack: 'a service account with enforce-mountable-secrets', who: 'Pod author' },
    run: async (stage) => {
      const { admin, namespace } = stage;
      await lend(stage, '/mounted');
      const account = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
      const metadata = { name: 'strict', annotations };
      await admin.create(account, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
      const pod = podOf([lentImage(stage, '/mounted')], { serviceAccountName: 'strict' });
      const answer = await admin.call('POST', `/api/v1/namespaces/${namespace}/pods`, {
        body: pod,
      });
      return answer.status < 300 ? [] : [`the Pod was refused: ${answer.body?.message ?? ''}`];
    },
  },
  {
    ...{
      id: 'A6',
      attack: 'reviews in the name of other namespaces',
      who: 'whoever reaches :9443',
    },
    run: async (stage) => {
      const { admin, hostile } = stage;
      const uid = await lend(stage, '/asked', { namespaceFilter: { include: ['nobody'] } });
      const places = hostile.map(({ host }) => host);
      for (const registry of hostile) {
        registry.answer = (_, response) => response.writeHead(404).end();
      }
      await stage.declare('ClusterReplicatedImageSet', 'words', equalPlaces('/words', places));
      await delay(500);
      const controller = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'made-up',
        uid: 'made-up',
      };
      const ownerReferences = [{ ...controller, controller: true }];
      const owner = { kind: 'ClusterReplicatedImageSet', name: 'asked', uid };
      const copy = await secretCopyName({ namespace: 'default', name: 'asked' }, owner);
      const imagePullSecrets = [{ name: copy }];
      for (const image of [lentImage(stage, '/asked'), `${places[0]}/words/app:1`]) {
        const pod = podOf([image], { imagePullSecrets });
        const metadata = { name: 'words', ownerReferences };
        await stage.review({ ...pod, metadata }, { namespace: 'kube-system' });
      }
      await delay(2_000);
      const events = await admin.get('/apis/events.k8s.io/v1/namespaces/kube-system/events');
      const secrets = await admin.get('/api/v1/namespaces/kube-system/secrets');
      const isCopy = (one: { metadata: { name: string } }) => one.metadata.name.startsWith('kuik-');
      const isOurs = (one: { regarding?: { name?: string } }) => one.regarding?.name === 'made-up';
      return [
        ...(secrets?.items.some(isCopy) ? ['a lent Secret was copied into kube-system'] : []),
        ...(events?.items.some(isOurs)
          ? ['an event was written on an owner that is not there']
          : []),
      ];
    },
  },
  {
    ...{ id: 'A7a', attack: 'sixty half-sent reviews', who: 'whoever reaches :9443' },
    run: async (stage, times) => {
      const { hostname, port } = new URL(stage.operator.webhookUrl);
      const count = Math.min(60 * times, 300);
      const attacker = spawn(process.execPath, [halfSentReviews, hostname, port, String(count)]);
      await once(attacker, 'exit');
      return [];
    },
  },
  {
    ...{ id: 'A9', attack: 'an entry for /pay lends /payroll', who: 'one namespace' },
    run: async (stage) => {
      const { admin, healthy, hostile, namespace } = stage;
      const host = hostile[0]?.host ?? '';
      const auths = { [`${host}/pay`]: auth, [`${host}/payroll`]: auth };
      await admin.create('/api/v1/namespaces/default/secrets', secretOf('wages', auths));
      const credentialSecret = { name: 'wages', namespace: 'default' };
      const upstreams = [
        { registry: healthy[0]?.host, path: '/gone', imageFilter: { include: ['/gone/.+'] } },
        { registry: host, path: '/pay', credentialSecret },
      ];
      await stage.declare('ClusterReplicatedImageSet', 'pay', { priority: -1, upstreams });
      await delay(500);
      const image = `${healthy[0]?.host}/gone/app:1`;
      await admin.create(`/api/v1/namespaces/${namespace}/pods`, podOf([image]));
      const { items } = await admin.get(`/api/v1/namespaces/${namespace}/secrets`);
      await admin.remove('/api/v1/namespaces/default/secrets/wages');
      const lent = JSON.stringify(items.map((one: { data?: object }) => decoded(one.data)));
      if (!lent.includes('/pay')) return ['nothing was lent: the row shows nothing'];
      return lent.includes('/payroll') ? ['the key of /payroll was lent with that of /pay'] : [];
    },
  },
  {
    ...{ id: 'A10', attack: 'a Secret that says it is a copy', who: 'a label on any Secret' },
    run: async (stage) => {
      const { admin, hostile, namespace } = stage;
      const hosts = hostile.slice(0, 2).map(({ host }) => host);
      const uid = await stage.declare(
        'ReplicatedImageSet',
        `${namespace}/owner`,
        equalPlaces('/o', hosts),
      );
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      await admin.create(path, secretOf('mine', {}, { 'kuik.enix.io/owner-uid': uid }));
      await delay(2_000);
      await admin.remove(
        `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/replicatedimagesets/owner`,
      );
      const isGone = async () => (await admin.get(`${path}/mine`)) === undefined;
      try {
        await eventually('the Secret is deleted', isGone, { withinMs: 6_000 });
        return ['a Secret of somebody else was deleted'];
      } catch {
        return [];
      }
    },
  },
  {
    ...{ id: 'A13', attack: 'a pull secret named "."', who: 'Pod author' },
    run: async (stage) => {
      const hosts = stage.hostile.slice(0, 2).map(({ host }) => host);
      await stage.declare(
        'ReplicatedImageSet',
        `${stage.namespace}/dot`,
        equalPlaces('/dot', hosts),
      );
      await delay(500);
      const imagePullSecrets = [{ name: '.' }, { name: '..' }];
      const pod = podOf([`${hosts[0]}/dot/app:1`], { imagePullSecrets });
      const { warnings } = await stage.review(pod);
      return warnings.some((warning) => warning.includes(`${stage.namespace}/.`))
        ? []
        : ['nobody is told that the pull secret is passed over'];
    },
  },
];

function decoded(data: object = {}): readonly string[] {
  return Object.values(data).map((value) => Buffer.from(String(value), 'base64').toString());
}

function lentImage({ healthy }: AttackStage, path: string): string {
  return `${healthy[0]?.host}${path}/app:1`;
}

/** A cluster-wide set whose alternative needs a Secret, preferred to the original. */
async function lend(stage: AttackStage, path: string, given: object = {}): Promise<string> {
  const { admin, healthy, hostile } = stage;
  const [host = ''] = hostile.map((registry) => registry.host);
  const name = path.slice(1);
  await admin.remove(`/api/v1/namespaces/default/secrets/${name}`);
  await admin.create('/api/v1/namespaces/default/secrets', secretOf(name, { [host]: auth }));
  const include = [`${path}/.+`];
  const upstreams = [
    { registry: healthy[0]?.host, path, imageFilter: { include } },
    { registry: host, path, credentialSecret: { name, namespace: 'default' } },
  ];
  const spec = { priority: -1, upstreams, ...given };
  const uid = await stage.declare('ClusterReplicatedImageSet', name, spec);
  await delay(500);
  return uid;
}

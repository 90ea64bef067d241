import { Agent, request } from 'undici';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { createPod, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { webhookAuthority } from '#test/support/operator/webhook-client.ts';
import {
  type BusyRegistries,
  closeRegistries,
  startBusyRegistries,
} from '#test/support/registries/busy-registries.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { Scrapes } from './scrape.ts';

/**
 * An operator to which all happens that alerts tell of: a registry that is down, one that is near the
 * end of its quota and one beyond it, images that are lost and such that only nodes can pull, Pods on
 * a fallback, copies that fail and such that wait, a webhook that the API server does not reach.
 */
export interface BusyStage {
  readonly operator: OperatorProcess;
  readonly registries: BusyRegistries;
  /** Where all of that happens. */
  readonly namespace: string;
  /** Its one Pod runs an image that only nodes can pull, and could run another. */
  readonly nodeNamespace: string;
  /** Waits until the operator knows what was declared; the first Pod is there then. */
  readonly ready: () => Promise<void>;
  /** Pods again, as Deployments would create them; scraped before and after. */
  readonly traffic: () => Promise<void>;
  readonly scrapes: Scrapes;
  /** When the last scrape was made, as Prometheus shall believe, ms. */
  readonly scrapedMs: () => number;
  readonly close: () => Promise<void>;
}

/** The name of the resource that monitors, and of the one that mirrors. */
export const busyName = 'busy';
/** Pods run for a while before anybody is called: scrapes are made as if they had. */
const laterMs = 2 * 3_600_000;
const scrapeIntervalMs = 60_000;

/** Starts it all, and declares what the Pods are to meet. */
export async function startBusyStage(): Promise<BusyStage> {
  const registries = await startBusyRegistries();
  const { nodes } = registries;
  const operator = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    config: {
      monitoring: {
        nodeOnly: [`${nodes.host.replaceAll('.', '\\.')}/.+`],
        registries: { default: { interval: '1s', maxPerInterval: 20 } },
      },
    },
  });
  const namespace = await createNamespace(admin());
  const nodeNamespace = await createNamespace(admin());
  const declared = await declareAll(registries, { namespace, nodeNamespace });
  const scrapes = new Scrapes();
  let atMs = Date.now() + laterMs;
  const scrape = async () => {
    atMs += scrapeIntervalMs;
    await scrapeAll(operator, scrapes, atMs);
  };
  return {
    ...{ operator, registries, namespace, nodeNamespace, scrapes, scrapedMs: () => atMs },
    ready: async () => {
      const query = new URLSearchParams({ namespace, image: `${registries.down.host}/team/app:1` });
      await eventually('the operator has heard of the sets', async () => {
        const answer = await fetch(`${operator.debugUrl}/debug/route?${query}`);
        return ((await answer.json()) as { candidates: unknown[] }).candidates.length > 3;
      });
      await createPod(nodeNamespace, oneContainer(`${nodes.host}/team/app:1`));
    },
    traffic: async () => {
      await scrape();
      for (const image of imagesOf(registries)) await createPod(namespace, oneContainer(image));
      await sendNonsense(operator);
      await scrape();
    },
    close: async () => {
      await Promise.all(declared.map((path) => admin().remove(path)));
      await operator.stop();
      await Promise.all([namespace, nodeNamespace].map((name) => removeNamespace(admin(), name)));
      await closeRegistries(registries);
    },
  };
}

/** What Pods run: in order available, lost, on a dead registry with and without a way out, and so on. */
function imagesOf({ open, down, scarce, throttled }: BusyRegistries): readonly string[] {
  return [
    `${open.host}/team/app:1`,
    `${open.host}/team/nowhere:1`,
    `${down.host}/team/app:1`,
    `${down.host}/alone/app:1`,
    `${scarce.host}/team/app:1`,
    `${throttled.host}/team/app:1`,
  ];
}

type Namespaces = Pick<BusyStage, 'namespace' | 'nodeNamespace'>;

/** Answers with the paths of what was declared. */
async function declareAll(registries: BusyRegistries, within: Namespaces) {
  const { open, mirror, down, scarce, throttled, nodes } = registries;
  const { namespace, nodeNamespace } = within;
  const all = {
    imageFilter: { include: ['.+'] },
    namespaceFilter: { include: [namespace, nodeNamespace] },
  };
  const sameIn = (name: string, hosts: readonly string[]) => ({
    namespaceFilter: { include: [name] },
    upstreams: hosts.map((registry) => ({ registry, imageFilter: { include: ['/team/.+'] } })),
  });
  const mirrors = [{ registry: mirror.host, path: '/copies' }];
  const fallbacks = [open, down, scarce, throttled].map(({ host }) => host);
  return await Promise.all([
    declare('ClusterImageSetAvailability', busyName, all),
    declare('ClusterImageSetMirror', busyName, { ...all, mirrors }),
    declare('ClusterReplicatedImageSet', busyName, sameIn(namespace, fallbacks)),
    declare('ClusterReplicatedImageSet', 'nodes', sameIn(nodeNamespace, [nodes.host, open.host])),
    declareDeadWebhook(namespace),
  ]);
}

const plurals = {
  ClusterImageSetAvailability: 'clusterimagesetavailabilities',
  ClusterImageSetMirror: 'clusterimagesetmirrors',
  ClusterReplicatedImageSet: 'clusterreplicatedimagesets',
};

async function declare(kind: keyof typeof plurals, name: string, spec: object): Promise<string> {
  const path = `/apis/kuik.enix.io/v1alpha1/${plurals[kind]}`;
  const apiVersion = 'kuik.enix.io/v1alpha1';
  await admin().create(path, { apiVersion, kind, metadata: { name }, spec });
  return `${path}/${name}`;
}

/** As kuik's own would be while none of its replicas is there. */
async function declareDeadWebhook(namespace: string): Promise<string> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const rule = {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE'],
    resources: ['pods'],
  };
  await admin().create(path, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'kuik-away' },
    webhooks: [
      {
        ...{ name: 'away.kuik.enix.io', rules: [rule], admissionReviewVersions: ['v1'] },
        ...{ failurePolicy: 'Ignore', sideEffects: 'None', timeoutSeconds: 1 },
        clientConfig: { url: 'https://127.0.0.1:1/mutate--v1-pod' },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      },
    ],
  });
  return `${path}/kuik-away`;
}

async function sendNonsense({ release, webhookUrl }: OperatorProcess): Promise<void> {
  const ca = await webhookAuthority(admin(), release);
  const dispatcher = new Agent({ connect: { ca } });
  const answer = await request(`${webhookUrl}/mutate--v1-pod`, {
    ...{ method: 'POST', dispatcher, headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({
      ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
      request: { uid: 'nonsense', kind: { group: '', version: 'v1', kind: 'Pod' }, object: 'none' },
    }),
  });
  await answer.body.dump();
  await dispatcher.close();
}

async function scrapeAll(
  { metricsUrl, namespace }: OperatorProcess,
  scrapes: Scrapes,
  atMs: number,
): Promise<void> {
  const page = await (await fetch(`${metricsUrl}/metrics`)).text();
  const target = { job: 'kuik', instance: '10.0.0.1:8080', namespace, pod: 'kuik-0' };
  scrapes.add(page, { ...target, container: 'kuik', service: 'kuik', endpoint: 'metrics' }, atMs);
  const { body } = await admin().call('GET', '/metrics');
  const lines = String(body).match(/^(# TYPE )?apiserver_admission_webhook_fail_open.*$/gm) ?? [];
  scrapes.add(lines.join('\n'), { job: 'apiserver', instance: '10.0.0.2:6443' }, atMs);
}

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { kinds } from '#api/kinds.ts';
import type { BenchTls } from '#test/bench/admission-stage.ts';
import type { Api } from '#test/support/api-server/api.ts';
import type { ControlPlane } from '#test/support/api-server/control-plane.ts';
import { createNamespace } from '#test/support/api-server/namespace.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { podReview } from '#test/support/operator/pod-review.ts';
import { webhookAuthority } from '#test/support/operator/webhook-client.ts';
import type { ScriptedRegistry } from './scripted-registry.ts';

/** A running operator, whoever attacks it, and whom that must not concern. */
export interface AttackStage {
  readonly admin: Api;
  readonly adminKubeconfig: string;
  readonly operator: OperatorProcess;
  readonly authorityPem: string;
  /** The namespace in which the attacker may do everything. */
  readonly namespace: string;
  /** Registries that the attacker runs. */
  readonly hostile: readonly ScriptedRegistry[];
  /** Registries that others use; the first holds the victim's images. */
  readonly healthy: readonly ScriptedRegistry[];
  /** Creates a resource of ours; `namespace/name` names a namespaced one. */
  readonly declare: (kind: string, name: string, spec: object) => Promise<string>;
  /** A pull secret in the attacker's namespace. */
  readonly pullSecret: (name: string, auths: object) => Promise<void>;
  /** Sends a review as an API server does, or as whoever reaches the port. */
  readonly review: (pod: object, request?: object) => Promise<ReviewAnswer>;
  /** Asks what a Pod of the attacker's namespace would get. */
  readonly explain: (image: string, pullSecrets?: readonly string[]) => Promise<Explanation>;
  readonly metrics: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** What the webhook answers. */
export interface ReviewAnswer {
  readonly ms: number;
  readonly patch: string;
  readonly warnings: readonly string[];
}

/** As `/debug/route` says it. */
export interface Explanation {
  readonly winner: string;
  readonly candidates: readonly {
    readonly image: string;
    readonly status: string;
    readonly message?: string;
  }[];
}

/** What a stage stands on: one control plane and one set of registries for all rows. */
export interface AttackGround {
  readonly plane: ControlPlane;
  readonly tls: BenchTls;
  readonly hostile: readonly ScriptedRegistry[];
  readonly healthy: readonly ScriptedRegistry[];
}

/** Where the victim's Pods are. */
export const victimNamespace = 'victim';
/** Connections of one who sends reviews; an API server has no bound. */
const connections = 256;

/** Starts an operator on the ground, so that no row finds what another has left. */
export async function setAttackStage(ground: AttackGround, config: object): Promise<AttackStage> {
  const { plane, tls, hostile, healthy } = ground;
  const { admin, adminKubeconfig } = plane;
  for (const registry of [...hostile, ...healthy]) registry.reset();
  const namespace = await createNamespace(admin, `attacker-${randomBytes(2).toString('hex')}`);
  const created: string[] = [];
  const declare = async (kind: string, name: string, spec: object): Promise<string> => {
    const { collection, object } = resourceOf(kind, name, spec);
    const { body } = await admin.create(collection, object);
    created.push(`${collection}/${object.metadata.name}`);
    return body.metadata.uid;
  };
  const places = healthy.map(({ host }) => host);
  await declare('ClusterReplicatedImageSet', 'victim', equalPlaces('/victim', places));
  const named = healthy.map(({ host }) => host.replace('127.0.0.1', 'localhost'));
  const registries = [...hostile.map(({ host }) => host), ...places, ...named].map(
    (host) => [host, {}] as const,
  );
  const cleanUp = async () => {
    for (const path of created) await admin.remove(path);
    await admin.remove(`/api/v1/namespaces/${namespace}`);
  };
  const operator = await startOperator({
    adminKubeconfig,
    config: { registries: Object.fromEntries(registries), ...config },
    flags: ['--log-level=info'],
    env: { NODE_EXTRA_CA_CERTS: tls.authorityFile },
  }).catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });
  const authorityPem = await webhookAuthority(admin, operator.release);
  const pool = new Pool(operator.webhookUrl, {
    connections,
    connect: { ca: authorityPem },
    allowH2: false,
  });
  const review: AttackStage['review'] = async (pod, request = {}) => {
    const startedMs = performance.now();
    const answer = await pool.request({
      method: 'POST',
      path: '/mutate--v1-pod?timeout=10s',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(podReview(pod, { namespace, ...request })),
    });
    const { response } = (await answer.body.json()) as { response?: Record<string, never> };
    const { patch = '', warnings = [] } = response ?? {};
    const text = Buffer.from(patch, 'base64').toString();
    return { ms: performance.now() - startedMs, patch: text, warnings };
  };
  return {
    ...{ admin, adminKubeconfig, operator, authorityPem, namespace, hostile, healthy },
    ...{ declare, review },
    pullSecret: async (name, auths) => {
      await admin.create(`/api/v1/namespaces/${namespace}/secrets`, secretOf(name, auths));
    },
    explain: async (image, pullSecrets = []) => {
      const url = new URL('/debug/route', operator.debugUrl);
      const query = { image, namespace, pullSecrets: pullSecrets.join(',') };
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return (await (await fetch(url)).json()) as Explanation;
    },
    metrics: async () => await (await fetch(`${operator.metricsUrl}/metrics`)).text(),
    close: async () => {
      await pool.destroy();
      await operator.kill();
      await cleanUp();
    },
  };
}

function resourceOf(kind: string, named: string, spec: object) {
  const [name = '', namespace] = named.split('/').toReversed();
  const { plural } = kinds.find((one) => one.kind === kind)!;
  const base = '/apis/kuik.enix.io/v1alpha1';
  const place = namespace === undefined ? base : `${base}/namespaces/${namespace}`;
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata, spec };
  return { collection: `${place}/${plural}`, object };
}

/** A host of the attacker's, and one that is healthy, hold the same images below a path. */
export async function declarePair(stage: AttackStage, path: string, host: string): Promise<void> {
  const hosts = [host, stage.healthy[1]?.host ?? ''];
  await stage.declare('ReplicatedImageSet', `${stage.namespace}${path}`, equalPlaces(path, hosts));
  // A watch tells the operator of it.
  await delay(300);
}

/** A pull secret of the usual type. */
export function secretOf(name: string, auths: object, labels: object = {}): object {
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, labels } },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
  };
}

/** A Pod of as many containers as images. */
export function podOf(images: readonly string[], given: object = {}): object {
  const containers = images.map((image, index) => ({
    ...{ name: `app-${index}`, image, imagePullPolicy: 'IfNotPresent' },
  }));
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'attack-' } },
    spec: { containers, ...given },
  };
}

/** Two places that hold the same images below a path, the first where Pods look. */
export function equalPlaces(path: string, hosts: readonly string[], given: object = {}): object {
  const upstreams = hosts.map((registry) => ({
    ...{ registry, path, imageFilter: { include: [`${path}/.+`] } },
    ...given,
  }));
  return { upstreams };
}

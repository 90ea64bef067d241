import { Agent, request } from 'undici';
import { onTestFinished } from 'vitest';
import type { RouteDecision } from '#core/routing/decision.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { type OperatorOptions, type OperatorProcess, startOperator } from './operator-process.ts';
import { webhookAuthority } from './webhook-client.ts';

const kuik = '/apis/kuik.enix.io/v1alpha1';
const plurals = {
  ReplicatedImageSet: 'replicatedimagesets',
  ImageSetMirror: 'imagesetmirrors',
  ClusterReplicatedImageSet: 'clusterreplicatedimagesets',
  ClusterImageSetMirror: 'clusterimagesetmirrors',
} as const;

/** An operator in a process of its own, and a real API server that asks it about Pods. */
export interface AdmissionStage {
  readonly operator: OperatorProcess;
  /** Declares a resource for the running test and answers with it as it is stored. */
  readonly declare: (
    kind: keyof typeof plurals,
    declared: { readonly name: string; readonly namespace?: string; readonly spec: object },
    // biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
  ) => Promise<any>;
  /** Waits until the operator proposes this image for that one: its watch has brought it all. */
  readonly proposed: (namespace: string, image: string, candidate: string) => Promise<void>;
  /** Asks the webhook itself, as the API server does, over TLS that its configuration trusts. */
  readonly review: (request: object, query?: string) => Promise<ReviewResponse>;
  readonly stop: () => Promise<void>;
}

/** The part of an answer that tests look at. */
export interface ReviewResponse {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly warnings?: readonly string[];
}

/** Starts the operator; whoever starts the stage stops it. */
export async function startAdmissionStage(
  options: Omit<OperatorOptions, 'adminKubeconfig'> = {},
): Promise<AdmissionStage> {
  const operator = await startOperator({ adminKubeconfig: adminKubeconfig(), ...options });
  return {
    operator,
    declare,
    proposed: (namespace, image, candidate) => proposed(operator, { namespace, image, candidate }),
    review: (asked, query = '') => review(operator, asked, query),
    stop: () => operator.stop(),
  };
}

const declare: AdmissionStage['declare'] = async (kind, { name, namespace, spec }) => {
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const path = `${kuik}${within}/${plurals[kind]}`;
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata, spec };
  const { body } = await admin().create(path, object);
  // Those of a namespace go with it; the others would have a say in the next test.
  if (namespace === undefined) onTestFinished(() => admin().remove(`${path}/${name}`));
  return body;
};

async function proposed(
  operator: OperatorProcess,
  asked: { readonly namespace: string; readonly image: string; readonly candidate: string },
): Promise<void> {
  const { namespace, image, candidate } = asked;
  const query = new URLSearchParams({ namespace, image });
  await eventually(`${candidate} is proposed for ${image}`, async () => {
    const answer = await fetch(`${operator.debugUrl}/debug/route?${query}`);
    const { candidates } = (await answer.json()) as RouteDecision;
    return candidates.some((one) => one.image === candidate);
  });
}

async function review(
  operator: OperatorProcess,
  asked: object,
  query: string,
): Promise<ReviewResponse> {
  const ca = await webhookAuthority(admin(), operator.release);
  const dispatcher = new Agent({ connect: { ca } });
  try {
    const answer = await request(`${operator.webhookUrl}/mutate--v1-pod${query}`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: {
          uid: 'asked-by-a-test',
          kind: { group: '', version: 'v1', kind: 'Pod' },
          ...asked,
        },
      }),
    });
    const { response } = (await answer.body.json()) as { response: ReviewResponse };
    return response;
  } finally {
    await dispatcher.close();
  }
}

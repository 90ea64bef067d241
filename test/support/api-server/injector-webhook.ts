import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import type { Api } from './api.ts';

/** Another mutating webhook, as service meshes bring one. */
export interface InjectorWebhook {
  /** How often it was asked. */
  readonly asked: () => number;
  readonly close: () => Promise<void>;
}

/** What it does, to the Pods of one namespace only. */
export interface InjectorOptions {
  /** Sorts after ours, so that it is asked after it. */
  readonly name: string;
  readonly namespace: string;
  /** Put at the end of the containers, once. */
  readonly container: { readonly name: string; readonly image: string };
}

const collection = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** Starts one that adds a container, and waits until the API server asks it. */
export async function startInjectorWebhook(
  admin: Api,
  options: InjectorOptions,
): Promise<InjectorWebhook> {
  const { name, namespace, container } = options;
  const authority = await makeAuthority();
  const { certificatePem, keyPem } = await authority.issue();
  let asked = 0;
  const server = createServer({ cert: certificatePem, key: keyPem }, async (incoming, response) => {
    const { request } = (await json(incoming)) as { request: ReviewRequest };
    asked += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer(request, container)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await admin.create(collection, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'injector.example.com',
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.pem).toString('base64'),
        },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Ignore',
        sideEffects: 'None',
      },
    ],
  });
  const close = async (): Promise<void> => {
    await admin.remove(`${collection}/${name}`);
    server.close();
    server.closeAllConnections();
  };
  try {
    await untilReady('the API server asks the injector', async () => {
      await probe(admin, namespace);
      return asked > 0;
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { asked: () => asked, close };
}

interface ReviewRequest {
  readonly uid: string;
  readonly object: { readonly spec: { readonly containers: readonly { readonly name: string }[] } };
}

function answer({ uid, object }: ReviewRequest, container: InjectorOptions['container']): object {
  const isThere = object.spec.containers.some(({ name }) => name === container.name);
  const patch = [{ op: 'add', path: '/spec/containers/-', value: container }];
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      ...{ uid, allowed: true },
      ...(!isThere && {
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }),
    },
  };
}

/** A Pod that is asked about and never stored. */
async function probe(admin: Api, namespace: string): Promise<void> {
  await admin.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'probe-' },
    spec: { containers: [{ name: 'probe', image: 'quay.io/probe/probe:1' }] },
  });
}

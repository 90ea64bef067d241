import { setTimeout as delay } from 'node:timers/promises';
import { certificateSecretName } from '#actors/certificate/certificate-secret.ts';
import { leaseName } from '#actors/leader/leadership.ts';
import { mirrorCleanup, secretCleanup } from '#actors/mirroring/set-finalizers.ts';
import { isOurCopy, placedCopy, type StoredSecret } from '#actors/secrets/read-secret.ts';
import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';
import { apiGroup, apiVersionName, kinds } from '#api/kinds.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { hasCode } from '#kube/failures.ts';
import { listPages } from '#kube/list-pages.ts';
import { type ResourcePlace, resourcePath } from '#kube/paths.ts';

/** Which installation is taken away. */
export interface Installation {
  readonly client: Pick<KubeClient, 'call'>;
  readonly namespace: string;
  /** Of the operator; its Pods have its name as `app.kubernetes.io/instance`. */
  readonly deployment: string;
  readonly webhookConfiguration: string;
  /** In which namespaces it may have placed copies of Secrets; undefined: in all. */
  readonly secretNamespaces?: readonly string[];
}

/** One step: what it came to in words, or why it failed. */
export interface UninstallStep {
  readonly what: string;
  readonly take: (installation: Installation, signal: AbortSignal) => Promise<StepOutcome>;
}

type StepOutcome = Result<string, string>;

/** The webhook first, so that no Pod waits for nobody; then who would put back what is taken away. */
export const uninstallSteps: readonly UninstallStep[] = [
  { what: 'the webhook configuration', take: deleteWebhookConfiguration },
  { what: "the operator's Pods", take: stopOperator },
  { what: 'finalizers of resources', take: takeFinalizers },
  { what: 'copies of Secrets', take: deleteCopies },
  { what: 'lists that were too long for a status', take: deleteConfigMaps },
  { what: 'the certificate', take: deleteCertificate },
  { what: 'the Lease', take: deleteLease },
];

const pageObjects = 100;
const podsEveryMs = 500;
/** Draining takes 15 s; a node that does not answer keeps a Pod for longer. */
const podsWithinMs = 60_000;
const configMapName = /^kuik-(lost-copies$|overflow-)/;
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

async function deleteWebhookConfiguration(
  { client, webhookConfiguration: name }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const group = 'admissionregistration.k8s.io';
  const place = { group, version: 'v1', plural: 'mutatingwebhookconfigurations', name };
  return told(await remove(client, place, signal));
}

async function stopOperator(installation: Installation, signal: AbortSignal): Promise<StepOutcome> {
  const { client, namespace, deployment: name } = installation;
  const deployment = { group: 'apps', version: 'v1', plural: 'deployments', namespace, name };
  const scaled = await client.call(
    {
      method: 'PATCH',
      path: resourcePath({ ...deployment, subresource: 'scale' }),
      body: { spec: { replicas: 0 } },
      contentType: 'application/merge-patch+json',
    },
    signal,
  );
  if (scaled.ok) return await awaitNoPods(installation, signal);
  return hasCode(scaled.error, 404) ? succeed('none there') : told(scaled);
}

/** What still runs would write again what is taken away. */
async function awaitNoPods(
  { client, namespace, deployment }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const labels = { name: 'kuik', instance: deployment, component: 'operator' };
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `app.kubernetes.io/${key}=${value}`)
    .join(',');
  const place = { group: '', version: 'v1', plural: 'pods', namespace };
  const untilMs = performance.now() + podsWithinMs;
  for (;;) {
    const pods = await list(client, { place, labelSelector }, signal);
    if (!pods.ok) return told(pods);
    if (pods.value.length === 0) return succeed('stopped');
    if (performance.now() > untilMs) {
      return fail(`${pods.value.length} are still there after a minute`);
    }
    await delay(podsEveryMs, undefined, { signal });
  }
}

/** Neither ours nor kuik v2's is left: nobody would take them off any more. */
async function takeFinalizers({ client }: Installation, signal: AbortSignal): Promise<StepOutcome> {
  let taken = 0;
  for (const { plural } of kinds) {
    const place = { group: apiGroup, version: apiVersionName, plural };
    const ofKind = await takeFinalizersOf(client, place, signal);
    if (!ofKind.ok) return told(ofKind);
    taken += ofKind.value;
  }
  return succeed(taken === 0 ? 'none there' : `taken off ${taken}`);
}

/** From how many objects of a kind; none where there is no such kind. */
async function takeFinalizersOf(
  client: Installation['client'],
  place: ResourcePlace,
  signal: AbortSignal,
): Promise<Result<number, ApiFailure>> {
  const listed = await list(client, { place }, signal);
  if (!listed.ok) return hasCode(listed.error, 404) ? succeed(0) : listed;
  let taken = 0;
  for (const { metadata = {} } of listed.value) {
    const kept = await keepOthers(client, { place, metadata }, signal);
    if (!kept.ok) return kept;
    taken += Number(kept.value);
  }
  return succeed(taken);
}

/** Takes our finalizers off one object; says whether it had any. */
async function keepOthers(
  client: Installation['client'],
  { place, metadata }: { readonly place: ResourcePlace; readonly metadata: ObjectMetadata },
  signal: AbortSignal,
): Promise<Result<boolean, ApiFailure>> {
  const { name = '', namespace, finalizers: present = [] } = metadata;
  const others = present.filter((one) => one !== mirrorCleanup && one !== secretCleanup);
  if (others.length === present.length) return succeed(false);
  const path = '/metadata/finalizers';
  const patched = await client.call(
    {
      method: 'PATCH',
      path: resourcePath({ ...place, name, ...(namespace !== undefined && { namespace }) }),
      body: [
        { op: 'test', path, value: present },
        { op: 'replace', path, value: others },
      ],
      contentType: 'application/json-patch+json',
    },
    signal,
  );
  return patched.ok || hasCode(patched.error, 404) ? succeed(true) : patched;
}

async function deleteCopies(
  { client, secretNamespaces }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const secrets = { group: '', version: 'v1', plural: 'secrets' };
  const places = secretNamespaces?.map((namespace) => ({ ...secrets, namespace })) ?? [secrets];
  const copies: ResourcePlace[] = [];
  for (const place of places) {
    const listed = await list(client, { place, labelSelector: ownerUidLabel }, signal);
    if (!listed.ok) return told(listed);
    const ours = listed.value.filter(isOurCopy).map(placedCopy);
    copies.push(...ours.map(({ namespace, name }) => ({ ...secrets, namespace, name })));
  }
  return await removeAll(client, copies, signal);
}

async function deleteConfigMaps(
  { client, namespace }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const place = { group: '', version: 'v1', plural: 'configmaps', namespace };
  const listed = await list(client, { place }, signal);
  if (!listed.ok) return told(listed);
  const names = listed.value.map(({ metadata }) => metadata?.name ?? '');
  const ours = names.filter((name) => configMapName.test(name));
  return await removeAll(
    client,
    ours.map((name) => ({ ...place, name })),
    signal,
  );
}

async function deleteCertificate(
  { client, namespace }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const name = certificateSecretName;
  const place = { group: '', version: 'v1', plural: 'secrets', namespace, name };
  return told(await remove(client, place, signal));
}

async function deleteLease(
  { client, namespace }: Installation,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const group = 'coordination.k8s.io';
  const place = { group, version: 'v1', plural: 'leases', namespace, name: leaseName };
  return told(await remove(client, place, signal));
}

interface ObjectMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly finalizers?: readonly string[];
}

async function list(
  client: Installation['client'],
  listing: {
    readonly place: ResourcePlace;
    readonly labelSelector?: string;
  },
  signal: AbortSignal,
): Promise<Result<readonly (StoredSecret & { readonly metadata?: ObjectMetadata })[], ApiFailure>> {
  const { place, labelSelector } = listing;
  const query = labelSelector === undefined ? {} : { labelSelector };
  const pages = listPages<StoredSecret & { readonly metadata?: ObjectMetadata }>(
    client,
    { path: resourcePath(place), query, accept: metadataOnly, pageObjects },
    signal,
  );
  const items = [];
  for await (const page of pages) {
    if (!page.ok) return page;
    items.push(...page.value.items);
  }
  return succeed(items);
}

async function removeAll(
  client: Installation['client'],
  places: readonly ResourcePlace[],
  signal: AbortSignal,
): Promise<StepOutcome> {
  for (const place of places) {
    const removed = await remove(client, place, signal);
    if (!removed.ok) return told(removed);
  }
  return succeed(places.length === 0 ? 'none there' : `${places.length} deleted`);
}

async function remove(
  client: Installation['client'],
  place: ResourcePlace,
  signal: AbortSignal,
): Promise<Result<'deleted' | 'none there', ApiFailure>> {
  const removed = await client.call({ method: 'DELETE', path: resourcePath(place) }, signal);
  if (removed.ok) return succeed('deleted');
  return hasCode(removed.error, 404) ? succeed('none there') : removed;
}

function told(outcome: Result<string, ApiFailure>): StepOutcome {
  return outcome.ok ? outcome : fail(outcome.error.message);
}

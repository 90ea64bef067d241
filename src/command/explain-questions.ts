import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isUntagged, parseReference } from '#core/image/reference.ts';
import type { ContainerObject, PodObject, PullPolicy, VolumeObject } from '#core/pod.ts';
import { podImages } from '#core/pod-images.ts';
import { fail, type Result, succeed } from '#core/result.ts';

/** One image to ask about, as `/debug/route` wants it. */
export interface Question {
  readonly image: string;
  readonly namespace: string;
  readonly labels: string;
  readonly annotations: string;
  readonly policy: PullPolicy;
  readonly pullSecrets: string;
}

/** Standard input, so that `kubectl get -o yaml` can be piped in. */
const standardInput = '-';

/**
 * A question for every image of the Pods in a manifest: Pods themselves, and the Pod templates of
 * workloads, in any number of documents. Or what is wrong with the file.
 */
export function questionsFromManifest(
  file: string,
  namespace: string,
): Result<readonly Question[], string> {
  const objects = readObjects(file);
  if (!objects.ok) return objects;
  const questions = objects.value.flatMap(podsOf).flatMap((pod) => questionsOf(pod, namespace));
  if (questions.length > 0) return succeed(questions);
  return fail(`expected ${file} to name an image, found none`);
}

function readObjects(file: string): Result<readonly unknown[], string> {
  try {
    const text = readFileSync(file === standardInput ? 0 : file, 'utf8');
    return succeed([...parseAllDocuments(text)].map((document) => readDocument(document)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`expected a Pod manifest in ${file}: ${reason.trimEnd()}`);
  }
}

function readDocument(document: ReturnType<typeof parseAllDocuments>[number]): unknown {
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS();
}

/** An object from outside, as far as one looks for Pods in it. */
interface Manifest {
  readonly metadata?: { readonly namespace?: string };
  readonly items?: readonly unknown[];
  readonly spec?: {
    readonly template?: PodObject;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodObject } };
  };
}

/** A Pod is one; a workload has a template of one; a List has many of both. */
function podsOf(object: unknown): readonly PodObject[] {
  if (typeof object !== 'object' || object === null) return [];
  const { metadata, items, spec } = object as Manifest;
  if (Array.isArray(items)) return items.flatMap(podsOf);
  const template = spec?.template ?? spec?.jobTemplate?.spec?.template;
  if (template === undefined) return [object as PodObject];
  const namespace = metadata?.namespace;
  const inherited = { ...template.metadata, ...(namespace !== undefined && { namespace }) };
  return [{ ...template, metadata: inherited }];
}

function questionsOf(pod: PodObject, namespace: string): readonly Question[] {
  const { metadata = {} } = pod;
  const common = {
    namespace: metadata.namespace ?? namespace,
    labels: writePairs(metadata.labels),
    annotations: writePairs(metadata.annotations),
    pullSecrets: mapObjects(pod.spec?.imagePullSecrets, ({ name = '' }) => name).join(','),
  };
  return podImages(withPolicies(pod)).map(({ image, policy }) => ({ ...common, image, policy }));
}

/** The Pod as the API server would send it for review: every pull policy is set there. */
function withPolicies(pod: PodObject): PodObject {
  const { containers, initContainers, volumes } = pod.spec ?? {};
  const complete = (container: ContainerObject): ContainerObject => ({
    imagePullPolicy: defaultPolicy(container.image),
    ...container,
  });
  const completeVolume = ({ image, ...volume }: VolumeObject): VolumeObject => ({
    ...volume,
    ...(image && { image: { pullPolicy: defaultPolicy(image.reference), ...image } }),
  });
  const spec = {
    initContainers: mapObjects(initContainers, complete),
    containers: mapObjects(containers, complete),
    volumes: mapObjects(volumes, completeVolume),
  };
  return { ...pod, spec };
}

/** Of a list as a person wrote it; what is no object in it says nothing. */
function mapObjects<Item extends object, Mapped>(
  list: readonly Item[] | undefined,
  map: (item: Item) => Mapped,
): readonly Mapped[] {
  if (!Array.isArray(list)) return [];
  const items: readonly unknown[] = list;
  return items.flatMap((item) =>
    typeof item === 'object' && item !== null ? map(item as Item) : [],
  );
}

/** Kubernetes' own default: `Always` for what is tagged `latest`, be it unsaid. */
function defaultPolicy(image: string | undefined): PullPolicy {
  const reference = parseReference(image ?? '');
  if (!reference.ok) return 'IfNotPresent';
  return isUntagged(reference.value) || reference.value.tag === 'latest'
    ? 'Always'
    : 'IfNotPresent';
}

/** As `/debug/route` reads them: a comma in a value stands behind a backslash. */
function writePairs(record: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(record ?? {})
    .map(([key, value]) => `${key}=${String(value).replaceAll(/[\\,]/g, '\\$&')}`)
    .join(',');
}

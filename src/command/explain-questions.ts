import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isUntagged, parseReference } from '#core/image/reference.ts';
import type { ContainerObject, PodObject, PullPolicy, VolumeObject } from '#core/pod.ts';
import { podImages } from '#core/pod-images.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import {
  ORIGINAL_IMAGES,
  REWRITE_REASON,
  REWRITTEN_BY,
  ROUTING_ANNOTATIONS,
  readContainerAnnotation,
} from '#core/routing/annotations.ts';

/** One image to ask about. */
export interface Question {
  readonly query: RouteQueryText;
  /** Pod and container, of a question that comes from a manifest. */
  readonly about?: string;
  /** How the container was rewritten when its Pod was admitted, as the Pod says. */
  readonly admitted?: AdmittedImage;
}

/** As `/debug/route` wants it. */
export interface RouteQueryText {
  readonly image: string;
  readonly namespace: string;
  readonly labels: string;
  readonly annotations: string;
  readonly policy: PullPolicy;
  readonly pullSecrets: string;
}

/** What the annotations of a live Pod say of one container (behaviour §3.10). */
export interface AdmittedImage {
  readonly original: string;
  readonly image: string;
  readonly by: string;
  readonly reason: string;
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
  const objects = readObjects(file, 'a Pod manifest');
  if (!objects.ok) return objects;
  const questions = objects.value.flatMap(podsOf).flatMap((pod) => questionsOf(pod, namespace));
  if (questions.length > 0) return succeed(questions);
  return fail(`expected ${file} to name an image, found none`);
}

/** The documents of a file, or of standard input. */
export function readObjects(file: string, expected: string): Result<readonly unknown[], string> {
  try {
    const text = readFileSync(file === standardInput ? 0 : file, 'utf8');
    return succeed([...parseAllDocuments(text)].map((document) => readDocument(document)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`expected ${expected} in ${file}: ${reason.trimEnd()}`);
  }
}

function readDocument(document: ReturnType<typeof parseAllDocuments>[number]): unknown {
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS();
}

/** An object from outside, as far as one looks for Pods in it. */
interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
  readonly items?: readonly unknown[];
  readonly spec?: {
    readonly template?: PodObject;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodObject } };
  };
}

/** A Pod, and whose it is as a person calls it: `Pod web-1`, `Deployment web`. */
interface FoundPod {
  readonly pod: PodObject;
  readonly owner: string;
}

/** A Pod is one; a workload has a template of one; a List has many of both. */
function podsOf(object: unknown): readonly FoundPod[] {
  if (typeof object !== 'object' || object === null) return [];
  const { kind = 'Pod', metadata, items, spec } = object as Manifest;
  if (Array.isArray(items)) return items.flatMap(podsOf);
  const owner = [kind, metadata?.name].filter(Boolean).join(' ');
  const template = spec?.template ?? spec?.jobTemplate?.spec?.template;
  if (template === undefined) return [{ pod: object as PodObject, owner }];
  const namespace = metadata?.namespace;
  const inherited = { ...template.metadata, ...(namespace !== undefined && { namespace }) };
  return [{ pod: { ...template, metadata: inherited }, owner }];
}

function questionsOf({ pod, owner }: FoundPod, namespaceDefault: string): readonly Question[] {
  const { metadata = {} } = pod;
  const namespace = metadata.namespace ?? namespaceDefault;
  const common = {
    namespace,
    labels: writePairs(metadata.labels),
    annotations: writePairs(withoutRouting(metadata.annotations)),
    pullSecrets: mapObjects(pod.spec?.imagePullSecrets, ({ name = '' }) => name).join(','),
  };
  return podImages(withPolicies(pod)).map(({ key, image, policy }) => {
    const admitted = admittedOf(metadata.annotations, key, image);
    // Asked as a new Pod would come: with what the user wrote.
    const query = { ...common, image: admitted?.original ?? image, policy };
    const about = `${owner} in ${namespace}, ${placeOf(key)}`;
    return { query, about, ...(admitted !== undefined && { admitted }) };
  });
}

/** `init:migrate` is the key of an annotation; a person says which container that is. */
function placeOf(key: string): string {
  const [place, name] = key.includes(':') ? key.split(':', 2) : ['', key];
  if (place === 'init') return `init container ${name}`;
  return place === 'volume' ? `volume ${name}` : `container ${name}`;
}

type Annotations = Readonly<Record<string, string>> | undefined;

function admittedOf(
  annotations: Annotations,
  key: string,
  image: string,
): AdmittedImage | undefined {
  const read = (name: string) => readContainerAnnotation(annotations ?? {}, name).get(key);
  const original = read(ORIGINAL_IMAGES);
  if (original === undefined || original === image) return undefined;
  return { original, image, by: read(REWRITTEN_BY) ?? '', reason: read(REWRITE_REASON) ?? '' };
}

function withoutRouting(annotations: Annotations): Annotations {
  const isOurs = (name: string) => ROUTING_ANNOTATIONS.some((ours) => ours === name);
  const kept = Object.entries(annotations ?? {}).filter(([name]) => !isOurs(name));
  return Object.fromEntries(kept);
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

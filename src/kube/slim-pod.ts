import { REFERENCE_CHARACTERS_MAX } from '#core/image/reference.ts';
import type { ContainerStatus, OwnerReference, PodObject, PodSpec, PodStatus } from '#core/pod.ts';
import {
  ROUTING_ANNOTATIONS,
  readContainerAnnotation,
  writeContainerAnnotation,
} from '#core/routing/annotations.ts';
import { type Interner, internRecord, internText } from './intern.ts';

/** What is kept of a Pod: about half a kilobyte instead of ten, and never much of the largest. */
export interface SlimPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Values longer than any selector can name are cut; kuik's own say what is read of them. */
  readonly annotations: Readonly<Record<string, string>>;
  /** `app`, `init:migrate`, `volume:models` → image as now written. */
  readonly images: Readonly<Record<string, string>>;
  readonly pullSecrets: readonly string[];
  /** Keys of the images that its node does not get; absent where it waits for none. */
  readonly waiting?: readonly string[];
  readonly phase: string;
  /** When the API server stored it, by its wall clock in ms; 0 where it does not say. */
  readonly createdMs: number;
  /** The controlling owner. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

/**
 * A selector value has at most 63 characters (Kubernetes' own validation), so a longer annotation
 * value never equals one; this much of it keeps every answer the same.
 */
const valueCharactersKept = 64;
/**
 * Labels, and annotations, kept of one Pod, by what they cost here: some two hundred, where those in
 * use are a dozen. Not even 1.5 MiB of them are much.
 */
const pairsBytesMax = 16_384;
/** What a pair costs beside its characters: the heads of two texts and a place in a map. */
const pairBytes = 48;
/** Containers and volumes of one Pod whose images are kept: no node runs so many. */
const imagesMax = 1_000;
/** Names of pull secrets kept of one Pod, each once. */
const pullSecretsMax = 256;
/** What is longer is no name of an object. */
const nameCharactersMax = 253;
/** A copy of the whole manifest, for one tool's use. */
const droppedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** kuik's own annotations are looked into only where they are longer: a few containers need less. */
const ownCharactersMax = 2_048;
const noSecrets: readonly string[] = [];

/** Cuts a Pod down; equal texts and maps of many Pods are kept once. */
export function slimPod(object: unknown, interner: Interner): SlimPod {
  const { metadata = {}, spec = {}, status = {} } = object as PodObject;
  const text = (value: string | undefined) =>
    internText(interner, beginningOf(value ?? '', nameCharactersMax));
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const images = imagesOf(spec);
  const annotations = keptAnnotations(metadata.annotations ?? {}, images);
  const waiting = waitingOf(status).map(text);
  return {
    uid: metadata.uid ?? '',
    namespace: text(metadata.namespace),
    name: metadata.name ?? '',
    labels: internRecord(interner, Object.fromEntries(firstPairs(metadata.labels ?? {}))),
    annotations: internRecord(interner, annotations),
    images: internRecord(interner, images),
    pullSecrets: pullSecretsOf(spec).map(text),
    ...(waiting.length > 0 && { waiting }),
    phase: text(status.phase),
    createdMs: Date.parse(metadata.creationTimestamp ?? '') || 0,
    ...(owner !== undefined && { owner: slimOwner(owner, text) }),
  };
}

function slimOwner(
  { apiVersion, kind, name }: OwnerReference,
  text: (value: string) => string,
): NonNullable<SlimPod['owner']> {
  return { apiVersion: text(apiVersion), kind: text(kind), name: text(name) };
}

/** kuik's own first, so that they are kept whatever else there is. */
function keptAnnotations(
  annotations: Readonly<Record<string, string>>,
  images: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = ROUTING_ANNOTATIONS.filter((name) => Object.hasOwn(annotations, name));
  const passedOver: readonly string[] = [droppedAnnotation, ...own];
  const others = firstPairs(annotations, passedOver);
  const kept = own.map((name) => [name, ownAnnotation(annotations, name, images)]);
  return Object.fromEntries([...kept, ...others]);
}

/**
 * The first pairs, with as much of their values as a selector can name; what is beyond is nobody's
 * selector. Entries of all would be made first, which takes 100 ms where there are 80,000.
 */
function firstPairs(
  pairs: Readonly<Record<string, string>>,
  passedOver: readonly string[] = [],
): readonly (readonly [string, string])[] {
  const first: [string, string][] = [];
  let bytes = 0;
  for (const name in pairs) {
    if (passedOver.includes(name)) continue;
    const value = beginningOf(pairs[name] ?? '', valueCharactersKept);
    bytes += pairBytes + name.length + value.length;
    if (bytes > pairsBytesMax) break;
    first.push([name, value]);
  }
  return first;
}

/** As written where it is short; else what it says of containers that the Pod has, and of images. */
function ownAnnotation(
  annotations: Readonly<Record<string, string>>,
  name: string,
  images: Readonly<Record<string, string>>,
): string {
  const written = annotations[name] ?? '';
  if (written.length <= ownCharactersMax) return written;
  const said = [...readContainerAnnotation(annotations, name)].filter(
    ([container, value]) =>
      Object.hasOwn(images, container) && value.length <= REFERENCE_CHARACTERS_MAX,
  );
  return writeContainerAnnotation(new Map(said));
}

/** A copy: what `slice` gives is a view that keeps the whole text in memory. */
function beginningOf(value: string, charactersMax: number): string {
  if (value.length <= charactersMax) return value;
  return Buffer.from(value.slice(0, charactersMax), 'utf16le').toString('utf16le');
}

function pullSecretsOf({ imagePullSecrets = [] }: PodSpec): readonly string[] {
  const names = imagePullSecrets.map(({ name = '' }) => name);
  if (names.length === 0) return noSecrets;
  const possible = names.filter((name) => name.length <= nameCharactersMax);
  return [...new Set(possible)].slice(0, pullSecretsMax);
}

/** What a node says of an image that it tried to get and did not: at once, and after a few times. */
const waitingReasons: readonly unknown[] = ['ErrImagePull', 'ImagePullBackOff'];

function waitingOf({
  containerStatuses = [],
  initContainerStatuses = [],
  ephemeralContainerStatuses = [],
}: PodStatus): readonly string[] {
  const keys = (prefix: string, statuses: readonly ContainerStatus[]) =>
    statuses
      .filter(({ state }) => waitingReasons.includes(state?.waiting?.reason))
      .map(({ name = '' }) => `${prefix}${name}`);
  const waiting = [
    ...keys('', containerStatuses),
    ...keys('init:', initContainerStatuses),
    ...keys('', ephemeralContainerStatuses),
  ];
  return waiting.slice(0, imagesMax);
}

/** What is too long for an image is none, and left out like all that cannot be read as one. */
function imagesOf(spec: PodSpec): Readonly<Record<string, string>> {
  const named = [
    ...(spec.containers ?? []).map(({ name, image }) => [name, image]),
    ...(spec.initContainers ?? []).map(({ name, image }) => [`init:${name}`, image]),
    ...(spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]),
    ...(spec.volumes ?? []).map(({ name, image }) => [`volume:${name}`, image?.reference]),
  ];
  const written = named.filter(([, image = '']) => mayBeImage(image));
  return Object.fromEntries(written.slice(0, imagesMax));
}

function mayBeImage({ length }: string): boolean {
  return length > 0 && length <= REFERENCE_CHARACTERS_MAX;
}

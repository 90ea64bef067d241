import type { OwnerReference, PodObject } from '#core/pod.ts';
import { type Interner, internRecord, internText } from './intern.ts';

/** What is kept of a Pod: about half a kilobyte instead of ten. */
export interface SlimPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Values longer than any selector can name are cut; kuik's own are whole. */
  readonly annotations: Readonly<Record<string, string>>;
  /** `app`, `init:migrate`, `volume:models` → image as now written. */
  readonly images: Readonly<Record<string, string>>;
  readonly pullSecrets: readonly string[];
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
const annotationCharactersKept = 64;
const ownPrefix = 'kuik.enix.io/';
/** A copy of the whole manifest, for one tool's use. */
const droppedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const noSecrets: readonly string[] = [];

/** Cuts a Pod down; equal texts and maps of many Pods are kept once. */
export function slimPod(object: unknown, interner: Interner): SlimPod {
  const { metadata = {}, spec = {}, status = {} } = object as PodObject;
  const text = (value: string | undefined) => internText(interner, value ?? '');
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const secrets = (spec.imagePullSecrets ?? []).map(({ name }) => text(name));
  return {
    uid: metadata.uid ?? '',
    namespace: text(metadata.namespace),
    name: metadata.name ?? '',
    labels: internRecord(interner, metadata.labels ?? {}),
    annotations: internRecord(interner, keptAnnotations(metadata.annotations ?? {})),
    images: internRecord(interner, imagesOf(spec)),
    pullSecrets: secrets.length === 0 ? noSecrets : secrets,
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

function keptAnnotations(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(annotations)
    .filter(([key]) => key !== droppedAnnotation)
    .map(([key, value]) => [key, key.startsWith(ownPrefix) ? value : beginningOf(value)]);
  return Object.fromEntries(kept);
}

/** A copy: what `slice` gives is a view that keeps the whole text in memory. */
function beginningOf(value: string): string {
  if (value.length <= annotationCharactersKept) return value;
  return Buffer.from(value.slice(0, annotationCharactersKept), 'utf16le').toString('utf16le');
}

function imagesOf(spec: NonNullable<PodObject['spec']>): Readonly<Record<string, string>> {
  const named = [
    ...(spec.containers ?? []).map(({ name, image }) => [name, image]),
    ...(spec.initContainers ?? []).map(({ name, image }) => [`init:${name}`, image]),
    ...(spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]),
    ...(spec.volumes ?? []).map(({ name, image }) => [`volume:${name}`, image?.reference]),
  ];
  return Object.fromEntries(named.filter(([, image]) => image));
}

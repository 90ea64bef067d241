import { isObject } from '#core/json.ts';
import { escapePointerToken, type JsonPatchOperation } from '#core/json-patch.ts';
import type { PodObject } from '#core/pod.ts';
import { ephemeralImages, namesOf, podImages } from '#core/pod-images.ts';
import {
  ORIGINAL_IMAGES,
  REWRITE_REASON,
  REWRITTEN_BY,
  readContainerAnnotation,
  writeContainerAnnotation,
} from './annotations.ts';
import { isRewritten } from './decide.ts';
import type { RouteDecision } from './decision.ts';

/**
 * The smallest patch that carries out the decisions (behaviour §3.10): images, kuik's annotations for
 * what was rewritten, and pull secrets that the Pod does not name yet. Nothing to do is an empty
 * patch. Each operation sets what it names, so that applying it twice changes nothing.
 */
export function buildPatch(
  pod: PodObject,
  decisions: readonly RouteDecision[],
  extra: { readonly pullSecretsToAdd: readonly string[] },
): readonly JsonPatchOperation[] {
  const rewritten = decisions.filter(isRewritten);
  if (rewritten.length === 0) return pullSecretOperations(pod, extra.pullSecretsToAdd);
  return [
    ...imageOperations(pod, rewritten),
    ...annotationOperations(pod, decisions),
    ...pullSecretOperations(pod, extra.pullSecretsToAdd),
  ];
}

function imageOperations(
  pod: PodObject,
  rewritten: readonly RouteDecision[],
): readonly JsonPatchOperation[] {
  const images = new Map([...podImages(pod), ...ephemeralImages(pod)].map((one) => [one.key, one]));
  return rewritten.flatMap(({ key, winner }) => {
    const image = images.get(key);
    return image === undefined ? [] : [{ op: 'replace', path: image.path, value: winner }];
  });
}

/** None for ephemeral containers: the API server takes no annotation there (behaviour §3.2). */
function annotationOperations(
  pod: PodObject,
  decisions: readonly RouteDecision[],
): readonly JsonPatchOperation[] {
  const keys = new Set(podImages(pod).map(({ key }) => key));
  const routed = decisions.filter(({ key, reason }) => keys.has(key) && reason !== 'Skipped');
  if (!routed.some(isRewritten)) return [];
  const written: unknown = pod.metadata?.annotations;
  const annotations = isObject(written) ? written : undefined;
  const stale = new Set(routed.map(({ key }) => key));
  const values = ANNOTATIONS.map(({ name, textFor }) => {
    const before = [...readContainerAnnotation(annotations ?? {}, name)];
    const kept = before.filter(([key]) => keys.has(key) && !stale.has(key));
    const added = routed
      .filter(isRewritten)
      .map((one): [string, string] => [one.key, textFor(one)]);
    return { name, value: writeContainerAnnotation(new Map([...kept, ...added])) };
  });
  if (annotations === undefined) {
    const value = Object.fromEntries(values.map(({ name, value: text }) => [name, text]));
    return [{ op: 'add', path: '/metadata/annotations', value }];
  }
  return values
    .filter(({ name, value }) => annotations[name] !== value)
    .map(({ name, value }) => ({
      op: 'add',
      path: `/metadata/annotations/${escapePointerToken(name)}`,
      value,
    }));
}

const ANNOTATIONS = [
  { name: ORIGINAL_IMAGES, textFor: ({ image }: RouteDecision) => image },
  { name: REWRITTEN_BY, textFor: ({ by }: RouteDecision) => by },
  { name: REWRITE_REASON, textFor: ({ reason }: RouteDecision) => reason },
];

/** The whole list, and not an item at its end: that would add it once more each time. */
function pullSecretOperations(
  pod: PodObject,
  names: readonly string[],
): readonly JsonPatchOperation[] {
  if (names.length === 0) return [];
  const written: unknown = pod.spec?.imagePullSecrets;
  const before: readonly unknown[] = Array.isArray(written) ? written : [];
  const missing = new Set<unknown>(names).difference(new Set(namesOf(before)));
  if (missing.size === 0) return [];
  const value = [...before, ...[...missing].map((name) => ({ name }))];
  return [{ op: 'add', path: '/spec/imagePullSecrets', value }];
}

import { isObject } from './json.ts';
import type { ContainerObject, PodAdmission, PodObject, PullPolicy } from './pod.ts';

/** One place in a Pod where an image is named. */
export interface PodImage {
  /** `app`, `init:migrate`, `volume:models`; `ephemeral:shell` is never in an annotation. */
  readonly key: string;
  /** The image as it stands there. */
  readonly image: string;
  readonly policy: PullPolicy;
  /** JSON pointer to the image. */
  readonly path: string;
}

/**
 * The images that a review is about, as they stand: containers, init containers and image volumes of
 * a new Pod; of a Pod's ephemeral containers only those that the Pod before did not have
 * (behaviour §3.2). Places without an image are left out, as the API server refuses them.
 */
export function imagesOf({ pod, oldPod, subresource }: PodAdmission): readonly PodImage[] {
  if (subresource !== 'ephemeralcontainers') return podImages(pod);
  const before = namesOf(oldPod?.spec?.ephemeralContainers);
  const keys = new Set(before.map((name) => `${KEY_PREFIXES.ephemeralContainers}${name}`));
  return ephemeralImages(pod).filter(({ key }) => !keys.has(key));
}

/** The images of a Pod without its ephemeral containers, as they stand. */
export function podImages(pod: PodObject): readonly PodImage[] {
  return [
    ...containerImages(pod, 'initContainers'),
    ...containerImages(pod, 'containers'),
    ...volumeImages(pod),
  ];
}

/** All ephemeral containers of a Pod. */
export function ephemeralImages(pod: PodObject): readonly PodImage[] {
  return containerImages(pod, 'ephemeralContainers');
}

const KEY_PREFIXES = { initContainers: 'init:', containers: '', ephemeralContainers: 'ephemeral:' };

function containerImages(pod: PodObject, list: keyof typeof KEY_PREFIXES): readonly PodImage[] {
  return listOf<ContainerObject>(pod.spec?.[list]).flatMap((container, index) => {
    const { name, image, imagePullPolicy } = container;
    if (!isText(name) || !isText(image)) return [];
    const key = `${KEY_PREFIXES[list]}${name}`;
    const path = `/spec/${list}/${index}/image`;
    return [{ key, image, policy: readPolicy(imagePullPolicy), path }];
  });
}

function volumeImages(pod: PodObject): readonly PodImage[] {
  return listOf(pod.spec?.volumes).flatMap(({ name, image }, index) => {
    const reference = image?.reference;
    if (!isText(name) || !isText(reference)) return [];
    const path = `/spec/volumes/${index}/image/reference`;
    return [
      { key: `volume:${name}`, image: reference, policy: readPolicy(image?.pullPolicy), path },
    ];
  });
}

/** The API server has set a policy before it asks; what else comes is as good as its mildest. */
function readPolicy(policy: unknown): PullPolicy {
  return policy === 'Always' || policy === 'Never' ? policy : 'IfNotPresent';
}

/** The names in a list that came from outside, one an item, whatever stands there. */
export function namesOf(list: unknown): readonly unknown[] {
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return items.map((item) => (isObject(item) ? item['name'] : undefined));
}

/** Objects of a list that came from outside: what is no object is an empty one, in its place. */
function listOf<Item extends object>(list: readonly Item[] | undefined): readonly Partial<Item>[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly unknown[]).map((item) =>
    isObject(item) ? (item as Partial<Item>) : {},
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

import { isObject, parseJson, readOwn } from '#core/json.ts';

/** Container → original as the user wrote it. */
export const ORIGINAL_IMAGES = 'kuik.enix.io/original-images';
/** Container → `Kind/[namespace/]name` of the resource that proposed the image. */
export const REWRITTEN_BY = 'kuik.enix.io/rewritten-by';
/** Container → why it was rewritten. */
export const REWRITE_REASON = 'kuik.enix.io/reason';

/** The annotations that kuik writes, and no others (behaviour §3.10). */
export const ROUTING_ANNOTATIONS = [ORIGINAL_IMAGES, REWRITTEN_BY, REWRITE_REASON] as const;

/** On a dry run, asks whether reviews get here: the answer is a warning (`kuik check`). */
export const REACH_CHECK = 'kuik.enix.io/check';

/** What such a warning begins with; the name of the replica's host follows. */
export const reachedPrefix = 'kuik: this review was answered by ';

/** Set by the kubelet on the mirror of a static Pod, which no webhook can change. */
export const STATIC_POD = 'kubernetes.io/config.mirror';

/**
 * Reads one of kuik's annotations: container → text. Whatever is not that counts as absent, since
 * anybody can write it. A map, because a container's name comes from outside.
 */
export function readContainerAnnotation(
  annotations: Readonly<Record<string, unknown>>,
  name: string,
): ReadonlyMap<string, string> {
  const written = readOwn(annotations, name);
  const content = typeof written === 'string' ? parseJson(written) : undefined;
  if (!isObject(content)) return new Map();
  const entries = Object.entries(content);
  return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')
    ? new Map(entries)
    : new Map();
}

/** The annotation's value for these containers, in their order. */
export function writeContainerAnnotation(entries: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(entries));
}

/** What a Pod's annotations were before kuik wrote any. */
export function withoutRouting(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const isOurs = (annotation: string) => ROUTING_ANNOTATIONS.some((ours) => ours === annotation);
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !isOurs(name)));
}

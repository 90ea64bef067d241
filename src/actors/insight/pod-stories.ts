import { compare } from '#core/compare.ts';
import { registryHost } from '#core/image/registry-host.ts';
import type { RecordedReview } from '#core/insight/decision-ring.ts';
import type { PodPage, PodQuery, PodStory } from '#core/insight/insight.ts';
import { formatTime } from '#core/rfc3339.ts';
import type { ImageQuery, RoutingQuery } from '#core/routing/admission.ts';
import { withoutRouting } from '#core/routing/annotations.ts';
import { rewrites } from '#core/routing/rewritten-images.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { registriesOf } from './pods-by-registry.ts';
import type { Recorder } from './recorder.ts';
import { podImages } from './show-review.ts';

/** From the review to the time at which the API server says that it stored the Pod, whole seconds. */
const storedWithinMs = 15_000;
/** Containers that are asked about for one page: each may cost requests to registries. */
const containersMax = 50;

/** Pods by namespace and name, those that are asked for. */
export async function listPods(pods: Iterable<SlimPod>, query: PodQuery): Promise<PodPage> {
  const { namespace, q, cursor, limit, offset = 0 } = query;
  const registry = query.registry === undefined ? undefined : registryHost(query.registry);
  const found: { readonly key: string; readonly pod: SlimPod }[] = [];
  await forEachInTurns(pods, (pod) => {
    if (namespace !== undefined && pod.namespace !== namespace) return;
    const key = `${pod.namespace}/${pod.name}`;
    if (q !== undefined && !key.includes(q)) return;
    if (registry !== undefined && !registriesOf(pod.images).includes(registry)) return;
    found.push({ key, pod });
  });
  found.sort((left, right) => compare(left.key, right.key));
  const after = cursor === undefined ? found : found.filter(({ key }) => key > cursor);
  const shown = after.slice(offset, offset + limit);
  return {
    pods: shown.map(({ pod }) => ({
      ...{ namespace: pod.namespace, name: pod.name, images: podImages(pod) },
    })),
    total: found.length,
    next: after.length > offset + limit ? (shown.at(-1)?.key ?? null) : null,
  };
}

/** What is asked for a story. */
export interface StoryOptions {
  readonly recorder: Pick<Recorder, 'reviews'>;
  readonly explain: RoutingQuery['explain'];
}

/** One Pod: what its containers wanted, what was asked and answered, what they got and would get. */
export async function tellStory(
  pod: SlimPod,
  { recorder, explain }: StoryOptions,
  signal: AbortSignal,
): Promise<PodStory> {
  const { namespace, name } = pod;
  const owner = pod.owner === undefined ? '' : `${pod.owner.kind}/${pod.owner.name}`;
  const review = findReview(recorder.reviews.newest(), pod, owner);
  const dueTo = new Map(rewrites(pod).map((rewrite) => [rewrite.key, rewrite]));
  const containers = podImages(pod).map(async (image, index) => {
    const { by, reason } = dueTo.get(image.container) ?? {};
    const decision = review?.decisions.find(({ key }) => key === image.container);
    const asked = index < containersMax && !signal.aborted;
    return {
      ...image,
      ...(by !== undefined && { by }),
      ...(reason !== undefined && { reason }),
      decision:
        decision === undefined || review === undefined
          ? null
          : { ...decision, at: formatTime(review.atMs) },
      today: asked ? await explain(questionOf(pod, image.wanted), signal) : null,
    };
  });
  return { namespace, name, owner, containers: await Promise.all(containers) };
}

/**
 * The review of a Pod: the webhook does not see the name that is generated, so that of a Pod of the
 * same owner, with the same images, that was stored then.
 */
function findReview(
  newest: readonly RecordedReview[],
  pod: SlimPod,
  owner: string,
): RecordedReview | undefined {
  const near = newest.filter((review) => {
    if (review.namespace !== pod.namespace || review.owner !== owner) return false;
    const isNamed = review.isGenerated ? pod.name.startsWith(review.pod) : pod.name === review.pod;
    const laterMs = pod.createdMs - review.atMs;
    if (!isNamed || laterMs < -storedWithinMs || laterMs > storedWithinMs) return false;
    return review.decisions.every(({ key, winner }) => pod.images[key] === winner);
  });
  const distance = ({ atMs }: RecordedReview) => Math.abs(pod.createdMs - atMs);
  return near.toSorted((left, right) => distance(left) - distance(right))[0];
}

function questionOf(pod: SlimPod, image: string): ImageQuery {
  const { namespace, labels, annotations, pullSecrets } = pod;
  return {
    ...{ image, namespace, labels, pullSecrets },
    ...{ annotations: withoutRouting(annotations), policy: 'IfNotPresent' },
  };
}

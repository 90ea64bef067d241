import type { FastifyRequest } from 'fastify';
import type { PodPage, PodStory } from '#core/insight/insight.ts';
import type { RouteExplanation } from '#core/routing/decision.ts';

/** Pods of a cluster that is too large to be drawn at once, and what is answered about one. */

const wanted = 'docker.io/library/redis:7.2';
const mirrored = 'mirror.example.com/library/redis:7.2';
const by = 'ClusterImageSetMirror/all-to-mirror';

/** `/debug/route` while the original does not answer. */
export const madeUpRoute: RouteExplanation = {
  ...{ key: 'app', image: wanted, winner: mirrored, by, reason: 'OriginalUnreachable', ms: 34 },
  message: `${mirrored} is taken: it is the first that answers, and docker.io does not.`,
  candidates: [
    {
      ...{ image: wanted, by: 'original', status: 'SetAside', ms: 0 },
      message: 'The circuit of docker.io is Open since 12 minutes.',
    },
    {
      ...{ image: 'ghcr.io/mirror/redis:7.2', by: 'ReplicatedImageSet/shop/shop-images' },
      ...{ status: 'NotFound', ms: 34, filter: '^docker\\.io/library/.*' },
    },
    {
      ...{ image: mirrored, by, status: 'Available', ms: 21 },
      credential: 'kuik-system/mirror-credentials',
    },
    {
      ...{ image: 'quay.io/copies/redis:7.2', by: 'ClusterReplicatedImageSet/copies' },
      ...{ status: 'NotAsked', ms: 0 },
    },
  ],
  nearMisses: [
    {
      ...{ by: 'ImageSetMirror/billing/redis', field: 'spec.imageFilter' },
      message: 'Its namespace is billing, and the Pod is in shop.',
    },
  ],
};

/** `/debug/pods/shop/cart-7d9f-1`. */
export const madeUpStory: PodStory & { readonly replica: string } = {
  ...{ replica: 'kuik-0', namespace: 'shop', name: 'cart-7d9f-1', owner: 'ReplicaSet/cart-7d9f' },
  containers: [
    {
      ...{ container: 'app', wanted, running: mirrored, rewritten: true },
      ...{ by, reason: 'OriginalUnreachable', today: madeUpRoute },
      decision: { ...madeUpRoute, at: '2026-11-28T10:00:00Z' },
    },
    {
      ...{ container: 'init:migrate', wanted: 'quay.io/shop/migrate@sha256:0123456789abcdef' },
      ...{ running: 'quay.io/shop/migrate@sha256:0123456789abcdef', rewritten: false },
      ...{ decision: null, today: null },
    },
  ],
};

/** `/debug/pods` over so many. */
export function madeUpPods(count: number): (request: FastifyRequest) => PodPage {
  const pods = Array.from({ length: count }, (_, index): PodPage['pods'][number] => {
    const rewritten = index % 3 === 1;
    const image = index % 3 === 2 ? 'quay.io/shop/cart:1' : wanted;
    return {
      namespace: index % 2 === 0 ? 'billing' : 'shop',
      name: `cart-7d9f-${String(index).padStart(5, '0')}`,
      images: [
        { container: 'app', wanted: image, running: rewritten ? mirrored : image, rewritten },
      ],
    };
  });
  return (request) => {
    const { namespace, q = '', offset = 0 } = request.query as Record<string, string>;
    const found = pods.filter(
      (pod) =>
        (!namespace || pod.namespace === namespace) && `${pod.namespace}/${pod.name}`.includes(q),
    );
    const from = Number(offset);
    const shown = found.slice(from, from + 200);
    return { pods: shown, total: found.length, next: found.length > from + 200 ? 'more' : null };
  };
}

import type { RecordedReview } from '#core/insight/decision-ring.ts';
import type { CircuitChange, InsightNews, PodImage, ShownReview } from '#core/insight/insight.ts';
import { formatTime } from '#core/rfc3339.ts';
import { isRewritten } from '#core/routing/decide.ts';
import { type ImageBearer, rewrites } from '#core/routing/rewritten-images.ts';
import type { RecordedMove, RecordedNews } from './recorder.ts';

/** A review as people are shown it. */
export function showReview(review: RecordedReview): ShownReview {
  const { id, atMs, namespace, pod, isGenerated, owner, decisions } = review;
  return {
    ...{ id, at: formatTime(atMs), namespace, owner },
    // The API server adds five characters once it has been reviewed.
    pod: isGenerated ? `${pod}…` : pod,
    ms: Math.max(0, ...decisions.map(({ ms }) => ms)),
    containers: decisions.map((decision) => {
      const { key: name, ...rest } = decision;
      return { name, ...rest, rewritten: isRewritten(decision) };
    }),
  };
}

/** A circuit's move as people are shown it. */
export function showMove({ atMs, from, to, reason }: RecordedMove): CircuitChange {
  return { at: formatTime(atMs), from, to, reason };
}

/** What was recorded, as it is told to those who follow. */
export function showNews(news: RecordedNews): InsightNews {
  if (news.kind === 'review') return { event: 'decision', data: showReview(news.review) };
  const { move } = news;
  return { event: 'registry', data: { host: move.host, ...showMove(move) } };
}

/** The images of a Pod, with what they were to be. */
export function podImages(pod: ImageBearer): readonly PodImage[] {
  const originals = new Map(rewrites(pod).map(({ key, original }) => [key, original]));
  return Object.entries(pod.images).map(([container, running]) => {
    const wanted = originals.get(container) ?? running;
    return { container, wanted, running, rewritten: originals.has(container) };
  });
}

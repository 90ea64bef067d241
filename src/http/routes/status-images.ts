import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ImagesView, TrackedImage } from '#core/monitoring/tracked-image.ts';
import { formatTime } from '#core/rfc3339.ts';
import { jsonOf, type StatusAnswers } from '#http/status-answers.ts';

/** What is shown. */
export interface StatusImagesPorts {
  /** All monitored images as this replica knows them: the leader's own, or those of the statuses. */
  readonly images: () => Promise<ImagesView>;
}

/** The key that items are grouped by, and that they then go without. */
type GroupKey = 'cisa' | 'registry';

/** Items written in one turn of the event loop: reviews are answered in between. */
const itemsPerTurn = 500;

/**
 * `GET /status/images?groupBy=cisa|registry`, as kuik v2 gives it. The answer is written piece by
 * piece: 20,000 images are five megabytes.
 */
export async function statusImages(
  app: FastifyInstance,
  ports: StatusImagesPorts & { readonly answers: StatusAnswers },
): Promise<void> {
  app.get('/status/images', async (request, reply) => {
    const { groupBy: asked } = request.query as { readonly groupBy?: unknown };
    const groupBy = asked ?? '';
    if (groupBy !== '' && groupBy !== 'cisa' && groupBy !== 'registry') {
      const got = JSON.stringify(groupBy).slice(0, 200);
      return reply.code(400).send({ error: `groupBy: expected cisa or registry, got ${got}` });
    }
    return await ports.answers.send(reply, {
      key: `images by ${asked}`,
      make: () => jsonOf(imagePieces(ports.images, groupBy)),
    });
  });
}

async function* imagePieces(
  read: StatusImagesPorts['images'],
  groupBy: GroupKey | '',
): AsyncGenerator<string> {
  const images = [...allImages(await read())];
  yield* groupBy === '' ? listPieces(images) : groupPieces(images, groupBy);
}

function* allImages(known: ImagesView): Generator<TrackedImage> {
  for (const resource of known.resources().toSorted()) yield* known.imagesOf(resource);
}

async function* listPieces(images: readonly TrackedImage[]): AsyncGenerator<string> {
  yield '{"items":[';
  yield* itemPieces(images);
  yield `],"total":${images.length}}`;
}

async function* groupPieces(
  images: readonly TrackedImage[],
  key: GroupKey,
): AsyncGenerator<string> {
  const readKey = (image: TrackedImage) => (key === 'cisa' ? image.resource : image.registry);
  const groups = Map.groupBy(images, readKey);
  yield `{"groupBy":"${key}","groups":{`;
  for (const [index, value] of [...groups.keys()].sort().entries()) {
    yield `${index === 0 ? '' : ','}${JSON.stringify(value)}:[`;
    yield* itemPieces(groups.get(value) ?? [], key);
    yield ']';
  }
  yield `},"total":${images.length}}`;
}

async function* itemPieces(
  images: readonly TrackedImage[],
  without?: GroupKey,
): AsyncGenerator<string> {
  for (let start = 0; start < images.length; start += itemsPerTurn) {
    const items = images.slice(start, start + itemsPerTurn);
    const text = items.map((image) => JSON.stringify(itemOf(image, without))).join(',');
    yield start === 0 ? text : `,${text}`;
    await nextTurn();
  }
}

function itemOf(image: TrackedImage, without: GroupKey | undefined): object {
  const { resource, registry, status, unusedSinceMs, lastError, lastMonitorMs } = image;
  return {
    ...(without !== 'cisa' && { cisa: resource }),
    image: image.image,
    ...(without !== 'registry' && { registry }),
    status,
    unusedSince: timeOf(unusedSinceMs),
    ...(lastError !== undefined && lastError !== '' && { lastError }),
    lastMonitor: timeOf(lastMonitorMs),
  };
}

function timeOf(wallMs: number | undefined): string | null {
  return wallMs === undefined ? null : formatTime(wallMs);
}

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** What a request of the distribution protocol is about, by its path. */
export type PathClass =
  | 'ping'
  | 'token'
  | 'manifest'
  | 'blob'
  | 'upload'
  | 'tags'
  | 'referrers'
  | 'other';

/** Counts what passes through a registry in the tests. */
export interface Traffic {
  /** Requests as `METHOD class`: `HEAD manifest`, `POST upload`. */
  readonly requests: () => Readonly<Record<string, number>>;
  /** Bytes of blobs sent to who asked; those that a RST overtook are among them. */
  readonly blobBytesServed: () => number;
  /** Bytes of blobs taken from who uploads. */
  readonly blobBytesReceived: () => number;
  readonly reset: () => void;
  /** Counts a request. */
  readonly see: (incoming: IncomingMessage) => void;
  /** The body of a request, counted as it is read. */
  readonly received: (incoming: IncomingMessage) => Readable;
  /** The body of an answer to a request, counted as it is read. */
  readonly served: (incoming: IncomingMessage, body: Readable) => Readable;
}

/** Starts counting. */
export function createTraffic(): Traffic {
  const requests = new Map<string, number>();
  let served = 0;
  let received = 0;
  return {
    requests: () => Object.fromEntries([...requests].sort()),
    blobBytesServed: () => served,
    blobBytesReceived: () => received,
    reset: () => {
      requests.clear();
      served = 0;
      received = 0;
    },
    see: ({ method, url = '/' }) => {
      const key = `${method} ${pathClass(url)}`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
    },
    received: (incoming) =>
      counted(incoming, pathClass(incoming.url ?? '/') === 'upload', (bytes) => {
        received += bytes;
      }),
    served: (incoming, body) =>
      counted(body, pathClass(incoming.url ?? '/') === 'blob', (bytes) => {
        served += bytes;
      }),
  };
}

/** Which kind of path it is; the query does not matter. */
export function pathClass(url: string): PathClass {
  const path = url.replace(/\?.*/, '');
  if (path === '/v2/' || path === '/v2') return 'ping';
  if (path === '/token') return 'token';
  return pathClasses.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other';
}

const pathClasses: readonly (readonly [PathClass, RegExp])[] = [
  ['upload', /^\/v2\/.+\/blobs\/uploads\//],
  ['blob', /^\/v2\/.+\/blobs\//],
  ['manifest', /^\/v2\/.+\/manifests\//],
  ['tags', /^\/v2\/.+\/tags\/list$/],
  ['referrers', /^\/v2\/.+\/referrers\//],
];

/** What is not counted passes as it is: a stream between two others costs something. */
function counted(body: Readable, counts: boolean, count: (bytes: number) => void): Readable {
  if (!counts) return body;
  return Readable.from(
    (async function* () {
      for await (const part of body as AsyncIterable<Buffer>) {
        count(part.length);
        yield part;
      }
    })(),
  );
}

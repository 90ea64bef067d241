import { withDeadline } from '#actors/deadline.ts';
import { createPlaces } from '#actors/places.ts';
import { createSingleFlight } from '#actors/single-flight.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { SecretView } from '#core/credentials.ts';
import type { Result } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { isRetryable } from '#kube/failures.ts';
import { ownerUidLabel } from './secret-copy.ts';

/** Where a Secret is. */
export interface SecretKey {
  readonly namespace: string;
  readonly name: string;
}

/** What came of reading one Secret; none of them keeps a Pod out (behaviour §3.11). */
export type SecretAnswer =
  | {
      readonly kind: 'found';
      readonly secret: SecretView;
      /** It is a copy that we made: right for a Pod, never a source (behaviour §3.9). */
      readonly isCopy: boolean;
    }
  | { readonly kind: 'missing' }
  /** No answer in time, no right to read it, or one that is no Secret. */
  | {
      readonly kind: 'unreadable';
      readonly message: string;
      /** It may be there and read a moment later: the API server did not say. */
      readonly mayPass?: boolean;
    };

/** Reads Secrets when they are needed; never all of them. */
export interface SecretReader {
  readonly read: (key: SecretKey, signal: AbortSignal) => Promise<SecretAnswer>;
  /** A watch has seen that it changed: the next read asks anew. */
  readonly forget: (key: SecretKey) => void;
  /** Ends what is in flight and forgets the rest. */
  readonly close: () => void;
}

/** What the reader reads with. */
export interface SecretReaderOptions {
  readonly client: Pick<KubeClient, 'call'>;
  readonly clock: TimerHeap;
  /** Told of a bug that nobody waits for. */
  readonly onBug: (error: unknown) => void;
}

/** A rotated Secret is used within seconds, and Pods of one Deployment read it once. */
const foundMemoryMs = 5_000;
/** Whoever has just made the Secret that was missing should not wait for us to look. */
const missingMemoryMs = 1_000;
/** Secrets remembered at once, a few kilobytes each. */
const secretsMax = 1_000;
/** Reads at once: the API server's fairness is shared with the watches. */
const readsMax = 16;
/** Reads that wait for a place: 16 at a time at 5 ms each make that less than a second. */
const waitingMax = 1_000;
/** A read that nobody waits for any more ends by itself. */
const readTimeoutMs = 5_000;

/** Reads through memory, each Secret once at a time; the caller closes it. */
export function createSecretReader(options: SecretReaderOptions): SecretReader {
  const { client, clock, onBug } = options;
  const places = createPlaces({ places: readsMax, waitingMax, clock });
  const flights = createSingleFlight<SecretAnswer>({
    now: clock.now,
    memoryMs: ({ kind }) => (kind === 'found' ? foundMemoryMs : missingMemoryMs),
    entriesMax: secretsMax,
    onBug,
  });

  const get = async (key: SecretKey, signal: AbortSignal): Promise<SecretAnswer> => {
    const place = await places.take(readTimeoutMs, signal);
    if (place !== 'taken') return unreadable(`no place to read a Secret became free (${place})`);
    try {
      return await withDeadline(clock, { deadlineMs: readTimeoutMs, signal }, (bounded) =>
        readSecret(client, key, bounded),
      );
    } finally {
      places.leave();
    }
  };

  return {
    read: async (key, signal) => {
      const run = (flight: { readonly signal: AbortSignal }) => get(key, flight.signal);
      const question = { key: secretKeyText(key), run, lingers: true };
      const flown = await flights.ask(question, signal);
      return flown?.value ?? unreadable('it was not read in time');
    },
    forget: (key) => flights.forget(secretKeyText(key)),
    close: () => {
      flights.close();
      places.dismiss();
    },
  };
}

/** One read of one Secret, its data decoded. */
export async function readSecret(
  client: Pick<KubeClient, 'call'>,
  { namespace, name }: SecretKey,
  signal: AbortSignal,
): Promise<SecretAnswer> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  const answer: Result<StoredSecret, ApiFailure> = await client.call(
    { method: 'GET', path },
    signal,
  );
  if (answer.ok) return foundSecret({ namespace, name }, answer.value);
  const { error } = answer;
  if (error.kind === 'status' && error.code === 404) return { kind: 'missing' };
  return {
    kind: 'unreadable',
    message: error.message,
    mayPass: error.kind !== 'status' || isRetryable(error),
  };
}

/** `<namespace>/<name>`, as a credential's `source` has it. */
export function secretKeyText({ namespace, name }: SecretKey): string {
  return `${namespace}/${name}`;
}

/** What a Secret of the API server says, its data decoded. */
export function foundSecret(key: SecretKey, stored: StoredSecret): SecretAnswer {
  const { labels = {} } = stored.metadata ?? {};
  const isCopy = Object.hasOwn(labels, ownerUidLabel);
  return { kind: 'found', secret: decode(key, stored), isCopy };
}

/** A Secret as the API server sends it, as far as it is read. */
export interface StoredSecret {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

function decode({ namespace, name }: SecretKey, { type, data }: StoredSecret): SecretView {
  const entries = Object.entries(data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString('utf8'),
  ]);
  return { namespace, name, type: type ?? '', data: Object.fromEntries(entries) };
}

function unreadable(message: string): SecretAnswer {
  return { kind: 'unreadable', message, mayPass: true };
}

import type { SeenRequest } from './fault-registry.ts';
import { refusedWith } from './fault-rules.ts';
import type { Fault } from './faults.ts';
import { type PathClass, pathClass } from './traffic.ts';

/** Faults at random; which side of a copy decides which kinds make sense. */
export interface RandomFaultOptions {
  /** From 0 to 1, the same in each run. */
  readonly random: () => number;
  /** How many of the requests meet one. */
  readonly share: number;
  /** Where in a blob something goes wrong, at most. */
  readonly bytesMax: number;
  /** Tokens end in mid-upload, where there are any. */
  readonly expireTokens?: () => void;
}

/** The fault of a rule: what it does to a request, if anything. */
export type FaultChoice = (request: SeenRequest) => Fault | undefined;

/** What a source does wrong: blobs that break off or are wrong, manifests that are cut, 429, 5xx. */
export function sourceFaults(options: RandomFaultOptions): FaultChoice {
  return chooseFrom(options, {
    'GET blob': (at) => [
      { kind: 'reset-body', afterBytes: at },
      { kind: 'reset-body', afterBytes: 0 },
      { kind: 'truncate' },
      { kind: 'corrupt', atByte: at },
      { kind: 'resize', byBytes: -1 },
      { kind: 'resize', byBytes: 7 },
      { kind: 'strip-request', headers: ['range'] },
      ...unwilling,
    ],
    'GET manifest': () => [
      { kind: 'truncate' },
      { kind: 'resize', byBytes: -20 },
      { kind: 'corrupt', atByte: 40 },
      { kind: 'headers', headers: { 'docker-content-digest': wrongDigest } },
      ...unwilling,
    ],
    'HEAD manifest': () => [
      { kind: 'headers', headers: { 'docker-content-digest': wrongDigest } },
      ...unwilling,
    ],
  });
}

/** Long enough to fetch a token and to use it on a loaded machine. */
const tokenLifetimeMsMin = 1_000;

/** What a target does wrong: uploads that break off, early answers, lost answers, no space, lies. */
export function targetFaults(options: RandomFaultOptions): FaultChoice {
  let expiredMs = Number.NEGATIVE_INFINITY;
  const expired: FaultChoice = () => {
    // A token that is refused as soon as it was made is a refusal: no registry forgets so often.
    if (performance.now() - expiredMs < tokenLifetimeMsMin) return undefined;
    expiredMs = performance.now();
    options.expireTokens?.();
    return { kind: 'early-answer', status: 401, ending: 'close' };
  };
  return chooseFrom(options, {
    'POST upload': () => [{ kind: 'lose-answer' }, ...unwilling],
    'PUT upload': (at) => [
      { kind: 'reset-upload', afterBytes: at },
      { kind: 'lose-answer' },
      { kind: 'early-answer', status: 507, ending: 'reset' },
      { kind: 'early-answer', status: 503, ending: 'close' },
      { kind: 'late-answer', status: 507 },
      ...(options.expireTokens === undefined ? [] : [expired]),
      ...unwilling,
    ],
    'HEAD blob': () => [
      { kind: 'answer', status: 200, headers: { 'content-length': '1' } },
      ...unwilling,
    ],
    'PUT manifest': () => [
      { ...refusedWith(400, 'MANIFEST_BLOB_UNKNOWN'), kind: 'late-answer' },
      { kind: 'lose-answer' },
      ...unwilling,
    ],
    'HEAD manifest': () => unwilling,
  });
}

const wrongDigest = `sha256:${'0'.repeat(64)}`;

/** What any request may meet. */
const unwilling: readonly Fault[] = [
  { kind: 'reset' },
  refusedWith(429, 'TOOMANYREQUESTS'),
  refusedWith(429, 'TOOMANYREQUESTS', { 'retry-after': '1' }),
  refusedWith(500, 'UNKNOWN'),
  refusedWith(503, 'UNAVAILABLE'),
];

type Kinds = Readonly<
  Partial<Record<`${string} ${PathClass}`, (atByte: number) => readonly (Fault | FaultChoice)[]>>
>;

function chooseFrom({ random, share, bytesMax }: RandomFaultOptions, kinds: Kinds): FaultChoice {
  return (request) => {
    if (random() >= share) return undefined;
    const { method, path } = request;
    const possible = kinds[`${method} ${pathClass(path)}`]?.(Math.floor(random() * bytesMax)) ?? [];
    const chosen = possible[Math.floor(random() * possible.length)];
    return typeof chosen === 'function' ? chosen(request) : chosen;
  };
}

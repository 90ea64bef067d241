import { expect, test } from 'vitest';
import type { ApiFailure } from '#kube/failures.ts';
import { type Reach, watchReachability } from '#kube/reachability.ts';

const refused: ApiFailure = { kind: 'connection', message: 'ECONNREFUSED' };
const unavailable: ApiFailure = { kind: 'status', code: 503, reason: '', message: 'no upstream' };
const notFound: ApiFailure = { kind: 'status', code: 404, reason: 'NotFound', message: 'none' };
const aborted: ApiFailure = { kind: 'aborted', message: 'given up' };

function told(outcomes: readonly (ApiFailure | undefined)[]): readonly Reach[] {
  const news: Reach[] = [];
  const tell = watchReachability((reach) => news.push(reach));
  for (const outcome of outcomes) tell(outcome);
  return news;
}

test('an API server that is away is told of once, and once when it is back', () => {
  expect(told([undefined, ...Array(60).fill(refused), undefined, undefined])).toEqual([
    { reachable: false, detail: 'ECONNREFUSED' },
    { reachable: true, detail: '' },
  ]);
});

test('so is one behind a load balancer that says so for it, and any answer means that it is back', () => {
  expect(told([unavailable, refused, unavailable, notFound]).map((one) => one.reachable)).toEqual([
    false,
    true,
  ]);
});

test('one broken connection is no news, and neither is what was given up', () => {
  expect(told([refused, undefined, refused, notFound, aborted, aborted, refused])).toEqual([]);
});

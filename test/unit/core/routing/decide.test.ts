import { describe, expect, test } from 'vitest';
import type { Candidate } from '#core/routing/candidates.ts';
import {
  type CandidateAnswer,
  decide,
  decisionWarning,
  isRewritten,
  needsAsking,
  skippedDecision,
} from '#core/routing/decide.ts';
import type { CandidateStatus } from '#core/routing/decision.ts';
import { reference } from '#test/support/routing/resources.ts';

const app = { key: 'app', image: 'quay.io/team/app:1' };

const candidate = (image: string, given: Partial<Candidate> = {}): Candidate => ({
  image,
  reference: reference(image),
  by: 'ClusterImageSetMirror/m',
  lent: [],
  original: false,
  ...given,
});
const original = candidate(app.image, { by: 'original', original: true });
const copy = candidate('harbor.example.com/team/app:1');
const second = candidate('backup.example.com/team/app:1');

const answer = (status: CandidateStatus, given: Partial<CandidateAnswer> = {}) => ({
  status,
  ms: 7,
  ...given,
});

/** As who asks the registries finds it. */
function firstThere(statuses: readonly CandidateStatus[]): number | undefined {
  const index = statuses.findIndex((status) => status === 'Available' || status === 'Trusted');
  return index < 0 ? undefined : index;
}

function decision(
  candidates: readonly Candidate[],
  statuses: readonly CandidateStatus[],
  winner: number | undefined = firstThere(statuses),
) {
  const answers = statuses.map((status) => answer(status));
  return decide({ container: app, candidates, answers, winner, ms: 9 });
}

describe('whether anything is asked', () => {
  test.each<[string, readonly Candidate[], boolean]>([
    ['the original alone', [original], false],
    ['nothing', [], false],
    ['a lone alternative', [copy], true],
    ['an alternative behind the original', [original, copy], true],
  ])('%s', (_, candidates, expected) => {
    expect(needsAsking(candidates)).toBe(expected);
  });
});

describe('the reason', () => {
  test.each<[CandidateStatus, string]>([
    ['NotFound', 'OriginalNotFound'],
    ['InvalidAuth', 'OriginalInvalidAuth'],
    ['QuotaExceeded', 'OriginalQuotaExceeded'],
    ['Unreachable', 'OriginalUnreachable'],
    ['SetAside', 'OriginalUnreachable'],
    ['NotAsked', 'OriginalUnreachable'],
  ])('of one behind an original that is %s is %s', (status, expected) => {
    expect(decision([original, copy], [status, 'Available'])).toMatchObject({
      winner: copy.image,
      by: copy.by,
      reason: expected,
      ms: 9,
    });
  });

  test('of one before the original is that it is preferred', () => {
    expect(decision([copy, original], ['Available', 'Available']).reason).toBe('Preferred');
    expect(decision([second, copy, original], ['NotFound', 'Trusted', 'NotAsked']).reason).toBe(
      'Preferred',
    );
  });

  test('of one instead of an original that is discarded is that', () => {
    expect(decision([copy], ['Available']).reason).toBe('OriginalDiscarded');
  });

  test('of an original that answers, wherever it stands, is that it does', () => {
    for (const candidates of [
      [original, copy],
      [copy, original],
    ]) {
      const statuses = candidates.map((one) => (one.original ? 'Available' : 'NotFound'));
      expect(decision(candidates, statuses as CandidateStatus[])).toMatchObject({
        winner: app.image,
        reason: 'OriginalAvailable',
      });
    }
  });

  test('of an original that nobody proposes anything else for is that, without an answer', () => {
    const lone = decide({ container: app, candidates: [original], answers: [], winner: 0, ms: 0 });
    expect(lone).toMatchObject({ reason: 'OnlyCandidate', winner: app.image, by: 'original' });
  });

  test('of one that was let in and could not be pulled with is that the Pod is not let in', () => {
    const passedOver = decide({
      container: app,
      candidates: [original, copy],
      answers: [
        answer('Available', { message: 'its Secret could not be copied' }),
        answer('Available'),
      ],
      winner: 1,
      ms: 9,
    });
    expect(passedOver.reason).toBe('OriginalInvalidAuth');
    expect(passedOver.message).toContain('its Secret could not be copied');
  });
});

describe('a decision', () => {
  test('keeps the image as the user wrote it when the original wins', () => {
    const short = { key: 'app', image: 'nginx' };
    const full = candidate('docker.io/library/nginx', { by: 'original', original: true });
    const kept = decide({
      container: short,
      candidates: [full, copy],
      answers: [answer('Available'), answer('NotAsked')],
      winner: 0,
      ms: 1,
    });
    expect([kept.winner, isRewritten(kept)]).toEqual(['nginx', false]);
  });

  test('is no rewrite when the original wins in another’s name', () => {
    const stood = { ...original, by: 'ClusterReplicatedImageSet/s' };
    const kept = decision([stood, copy], ['Available', 'Available']);
    expect([kept.reason, isRewritten(kept)]).toEqual(['OriginalAvailable', false]);
  });

  test('shows each candidate with what it answered, and where a credential came from only', () => {
    const credential = { source: 'team/pull', username: 'u', password: 'hidden' };
    const shown = decide({
      container: app,
      candidates: [original, { ...copy, filter: '.*' }],
      answers: [answer('NotFound', { message: 'gone' }), answer('Available', { credential })],
      winner: 1,
      ms: 9,
    });
    expect(shown.candidates).toEqual([
      { image: app.image, by: 'original', status: 'NotFound', ms: 7, message: 'gone' },
      {
        image: copy.image,
        by: copy.by,
        status: 'Available',
        ms: 7,
        credential: 'team/pull',
        filter: '.*',
      },
    ]);
    expect(JSON.stringify(shown)).not.toContain('hidden');
  });

  test('counts an answer that is missing as not asked', () => {
    const { candidates } = decide({
      container: app,
      candidates: [copy, original],
      answers: [answer('Available')],
      winner: 0,
      ms: 0,
    });
    expect(candidates[1]).toMatchObject({ status: 'NotAsked', ms: 0 });
  });

  test('warns only when nothing is available, with what was tried and why each failed', () => {
    const none = decide({
      container: app,
      candidates: [original, copy],
      answers: [answer('Unreachable', { message: 'no route' }), answer('NotFound')],
      winner: undefined,
      ms: 9,
    });
    expect(none).toMatchObject({ winner: app.image, by: 'original', reason: 'NothingAvailable' });
    expect(decisionWarning(none)).toBe(
      `kuik: app keeps ${app.image}: nothing is available; tried ${app.image} (Unreachable: no route); ${copy.image} (NotFound)`,
    );
    expect(decisionWarning(decision([original, copy], ['Available', 'NotAsked']))).toBeUndefined();
    expect(decisionWarning(skippedDecision(app, 'it is static'))).toBeUndefined();
  });

  test('warns that a discarded original has nothing in its place', () => {
    const none = decide({ container: app, candidates: [], answers: [], winner: undefined, ms: 0 });
    expect(none).toMatchObject({ reason: 'NothingAvailable', winner: app.image });
    expect(decisionWarning(none)).toContain('it is discarded and nothing takes its place');
  });

  test('has a message with an end', () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      candidate(`r${index}.example.com/a/b:1`),
    );
    const none = decision(
      [original, ...many],
      [...many, original].map(() => 'NotFound' as const),
      undefined,
    );
    expect(none.message.length).toBe(2048);
    expect(none.candidates).toHaveLength(501);
  });

  test('never falls for one that is no candidate', () => {
    expect(() => decision([original], ['Available'], 1)).toThrow('winner');
  });
});

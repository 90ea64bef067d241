import { describe, expect, test } from 'vitest';
import { nextConditions, worstState } from '#core/ready-condition.ts';

const at = { generation: 2, now: '2026-01-02T03:04:05Z' };

describe('what is said first', () => {
  test('nothing wrong is Ready, with the sentence given', () => {
    expect(worstState([], 'Routes 2 upstreams.')).toEqual({
      reason: 'Ready',
      message: 'Routes 2 upstreams.',
    });
  });

  test('InvalidSpec comes before CredentialsMissing, and equal reasons are told together', () => {
    const states = [
      { reason: 'CredentialsMissing', message: 'secret a/b is missing' },
      { reason: 'InvalidSpec', message: 'x' },
      { reason: 'InvalidSpec', message: 'y' },
    ] as const;
    expect(worstState(states, '')).toEqual({ reason: 'InvalidSpec', message: 'x; y' });
  });
});

describe('the condition', () => {
  test('MatchesNothing is True: it does nothing, rightly', () => {
    const next = nextConditions({ reason: 'MatchesNothing', message: 'm' }, undefined, at);
    expect(next).toMatchObject([{ type: 'Ready', status: 'True', observedGeneration: 2 }]);
  });

  test('saying the same again writes nothing', () => {
    const state = { reason: 'InvalidSpec', message: 'm' } as const;
    const first = nextConditions(state, undefined, at);
    expect(nextConditions(state, first, { ...at, now: '2027-01-01T00:00:00Z' })).toBeUndefined();
  });

  test('a new generation is observed although nothing else changed', () => {
    const state = { reason: 'Ready', message: 'm' } as const;
    const first = nextConditions(state, undefined, at);
    const second = nextConditions(state, first, { generation: 3, now: '2027-01-01T00:00:00Z' });
    expect(second).toMatchObject([{ observedGeneration: 3, lastTransitionTime: at.now }]);
  });

  test('the time of transition moves with the status, and other conditions stay', () => {
    const other = {
      type: 'SourceChanged',
      status: 'True',
      reason: 'TagMoved',
      message: '',
      lastTransitionTime: at.now,
    } as const;
    const first = nextConditions({ reason: 'Ready', message: '' }, [other], at) ?? [];
    const later = { generation: 2, now: '2027-01-01T00:00:00Z' };
    const second = nextConditions({ reason: 'InvalidSpec', message: '' }, first, later);
    expect(second?.[0]).toMatchObject({ status: 'False', lastTransitionTime: later.now });
    expect(second?.[1]).toEqual(other);
  });

  test('a message too long for a person is cut', () => {
    const next = nextConditions({ reason: 'Ready', message: 'x'.repeat(9_999) }, undefined, at);
    expect(next?.[0]?.message).toHaveLength(1_024);
  });
});

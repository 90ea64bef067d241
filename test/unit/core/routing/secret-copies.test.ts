import { describe, expect, test } from 'vitest';
import {
  type CopySource,
  type KnownCopy,
  planSecretCopies,
  unneededMs,
} from '#core/routing/secret-copies.ts';

const source = (over: Partial<CopySource> = {}): CopySource => ({
  ownerUid: 'hub',
  copyName: 'kuik-pull-1',
  content: 'new',
  lendsTo: (namespace) => namespace !== 'forbidden',
  ...over,
});
const copy = (over: Partial<KnownCopy> = {}): KnownCopy => ({
  namespace: 'apps',
  name: 'kuik-pull-1',
  ownerUid: 'hub',
  content: 'new',
  ...over,
});
const gone = ({ content: _, ...rest }: CopySource): CopySource => rest;

interface Given {
  readonly sources?: readonly CopySource[];
  readonly copies?: readonly KnownCopy[];
  readonly owners?: readonly string[];
  readonly needs?: readonly string[];
  readonly nowMs?: number;
  readonly isOurs?: () => boolean;
}

function plan({ sources = [source()], copies = [copy()], ...given }: Given) {
  const { owners = ['hub'], needs = [], nowMs = 0, isOurs = () => true } = given;
  const input = { sources, copies, owners: new Set(owners), needs: new Set(needs), nowMs, isOurs };
  return planSecretCopies(input);
}

const needed = ['apps/kuik-pull-1'];
const written = (given: Given) =>
  plan(given).writes.map(({ namespace, source: { copyName } }) => `${namespace}/${copyName}`);
const deleted = (given: Given) => plan(given).deletions.map(({ why }) => why);

describe('a copy is written', () => {
  test.each<[string, Given, readonly string[]]>([
    ['not while it holds what its source holds', {}, []],
    ['when its source says something else', { copies: [copy({ content: 'old' })] }, needed],
    ['to be compared, when nothing is known of it', { copies: [copy({ content: '' })] }, needed],
    ['not when its source is gone', { sources: [gone(source())] }, []],
    [
      'not where the resource is not about: a label is no right to a credential',
      { copies: [copy({ namespace: 'forbidden', content: 'old' })] },
      [],
    ],
    ['when a Pod names it and it is not there', { copies: [], needs: needed }, needed],
    ['not for a Pod that names it elsewhere', { copies: [], needs: ['forbidden/kuik-pull-1'] }, []],
    ['not when nobody names it', { copies: [], needs: ['apps/pull'] }, []],
    [
      'not anew when its source is gone',
      { copies: [], needs: needed, sources: [gone(source())] },
      [],
    ],
  ])('%s', (_, given, expected) => {
    expect(written(given)).toEqual(expected);
  });
});

describe('a copy goes', () => {
  const late = unneededMs + 5;
  test.each<[string, Given, readonly string[]]>([
    ['not while a Pod names it', { needs: needed, nowMs: late }, []],
    ['when no resource declares it any more', { sources: [] }, ['NotDeclared']],
    ['not where only its label says that it is ours', { sources: [], isOurs: () => false }, []],
    ['not at once when no Pod names it', { nowMs: late }, []],
    [
      'ten minutes after the last one did',
      { copies: [copy({ unneededSinceMs: 5 })], nowMs: late },
      ['NotNeeded'],
    ],
    ['not a moment before', { copies: [copy({ unneededSinceMs: 5 })], nowMs: late - 1 }, []],
    [
      'not for the Pods of another namespace',
      { copies: [copy({ unneededSinceMs: 5 })], needs: ['other/kuik-pull-1'], nowMs: late },
      ['NotNeeded'],
    ],
    [
      'at once when its resource names the Secret no more',
      { sources: [], needs: needed },
      ['NotDeclared'],
    ],
    ['not with its source', { sources: [gone(source())], needs: needed }, []],
    ['by Kubernetes when its resource is gone', { sources: [], owners: [] }, []],
    [
      'not for what another resource lends under that name',
      { sources: [source({ ownerUid: 'other' })] },
      ['NotDeclared'],
    ],
  ])('%s', (_, given, expected) => {
    expect(deleted(given)).toEqual(expected);
  });
});

describe('over time', () => {
  test('the ten minutes begin when no Pod was seen to need it, and anew after each that does', () => {
    let copies: readonly KnownCopy[] = [copy()];
    const at = (minutes: number, needs: readonly string[]) => {
      const planned = plan({ copies, needs, nowMs: minutes * 60_000 });
      copies = planned.copies;
      return { deletions: planned.deletions.length, nextMs: planned.nextMs };
    };
    expect(at(0, needed)).toEqual({ deletions: 0, nextMs: undefined });
    expect(at(20, [])).toEqual({ deletions: 0, nextMs: 30 * 60_000 });
    expect(at(29, needed)).toEqual({ deletions: 0, nextMs: undefined });
    expect(at(31, [])).toEqual({ deletions: 0, nextMs: 41 * 60_000 });
    expect(at(40, [])).toEqual({ deletions: 0, nextMs: 41 * 60_000 });
    expect(at(41, [])).toEqual({ deletions: 1, nextMs: undefined });
    expect(copies).toEqual([]);
  });

  test('planning again when all is done plans nothing', () => {
    const first = plan({ copies: [copy({ content: 'old' })], needs: needed });
    const copies = first.copies.map((one) => ({ ...one, content: 'new' }));
    const again = plan({ copies, needs: needed });
    expect([again.writes, again.deletions]).toEqual([[], []]);
  });

  test('a hundred thousand copies are planned without a deep stack', () => {
    const copies = Array.from({ length: 100_000 }, (_, index) => copy({ namespace: `n${index}` }));
    expect(plan({ copies }).nextMs).toBe(unneededMs);
  });
});

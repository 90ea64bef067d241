import { expect, test } from 'vitest';
import { type Explained, explanationText } from '#command/explanation-text.ts';
import type { CandidateReport, RouteExplanation } from '#core/routing/decision.ts';

const candidate = (image: string, by: string, status: CandidateReport['status']) =>
  ({ image, by, status, ms: 3 }) as const;

function explained(decision: Partial<RouteExplanation>, more: Partial<Explained> = {}): Explained {
  const query = { image: 'nginx', namespace: 'shop', policy: 'Always', labels: '' } as const;
  return {
    query: { ...query, annotations: '', pullSecrets: '' },
    decision: {
      ...{ key: 'image', image: 'nginx', winner: 'nginx', by: 'original', ms: 12 },
      ...{ reason: 'OriginalAvailable', message: 'image keeps nginx: it is available' },
      candidates: [
        candidate('docker.io/library/nginx', 'original', 'Available'),
        candidate('quay.io/library/nginx', 'ClusterReplicatedImageSet/all', 'NotAsked'),
      ],
      nearMisses: [],
      ...decision,
    },
    ...more,
  };
}

test('a short name that stays marks its candidate as the winner', () => {
  const lines = explanationText(explained({})).split('\n');
  expect(lines).toContain('* 1. docker.io/library/nginx');
  expect(lines).toContain('  2. quay.io/library/nginx');
});

test('nobody wins where nothing is available', () => {
  const text = explanationText(explained({ reason: 'NothingAvailable' }));
  expect(text).not.toMatch(/^\*/m);
});

test('what comes near and does not apply is said with its field, within 80 columns', () => {
  const by = 'ClusterReplicatedImageSet/thanos';
  const message = 'docker.io/library/nginx lies beside the path /nginx';
  const text = explanationText(explained({ nearMisses: [{ by, field: 'path', message }] }));
  expect(text).toContain('Does not apply, but comes near:');
  expect(text.replaceAll(/\s+/g, ' ')).toContain(`${by} (path): ${message}`);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('a live Pod is told of as it was admitted, and what a new one would get', () => {
  const admitted = {
    ...{ original: 'nginx', image: 'quay.io/library/nginx' },
    ...{ by: 'ClusterReplicatedImageSet/all', reason: 'OriginalUnreachable' },
  };
  const about = 'Pod web-1 in shop, container app';
  const text = explanationText(explained({}, { about, admitted })).replaceAll(/\s+/g, ' ');
  expect(text).toMatch(/^Pod web-1 in shop, container app At its admission: nginx -> quay\.io/);
  expect(text).toContain('by ClusterReplicatedImageSet/all (OriginalUnreachable). A new one would');
});

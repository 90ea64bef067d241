import { describe, expect, test } from 'vitest';
import { UseIndex, type UsingPod } from '#core/monitoring/use.ts';

const original = 'kuik.enix.io/original-images';

function pod(images: Record<string, string>, more: Partial<UsingPod> = {}): UsingPod {
  return { namespace: 'apps', labels: {}, annotations: {}, images, pullSecrets: [], ...more };
}

function index(matchesImage: (path: string) => boolean = () => true) {
  return new UseIndex({
    matchesPod: ({ labels }) => labels['out'] === undefined,
    matchesImage: ({ path }) => matchesImage(path),
  });
}

describe('the images in use', () => {
  test('are normalised, untagged ones stay untagged, unparsable ones are left out', () => {
    const uses = index();
    uses.put('a', pod({ one: 'nginx', two: 'quay.io/x/y:1', three: 'Not An Image' }));
    expect([...uses.images()]).toEqual(['docker.io/library/nginx', 'quay.io/x/y:1']);
  });

  test('are in use until their last Pod has gone', () => {
    const uses = index();
    uses.put('a', pod({ app: 'nginx:1' }));
    uses.put('b', pod({ app: 'nginx:1' }));
    uses.remove('a');
    expect(uses.get('docker.io/library/nginx:1')).toMatchObject({
      ...{ original: true, pullSecrets: [], namespace: 'apps', isWaiting: false },
    });
    uses.remove('b');
    expect(uses.get('docker.io/library/nginx:1')).toBeUndefined();
  });

  test('of a rewritten container are both, and only what somebody wrote is original', () => {
    const uses = index();
    const annotations = { [original]: JSON.stringify({ app: 'nginx:1' }) };
    uses.put('a', pod({ app: 'mirror.example.com/library/nginx:1' }, { annotations }));
    expect(uses.get('docker.io/library/nginx:1')?.original).toBe(true);
    expect(uses.get('mirror.example.com/library/nginx:1')?.original).toBe(false);
    uses.put('b', pod({ app: 'mirror.example.com/library/nginx:1' }));
    expect(uses.get('mirror.example.com/library/nginx:1')?.original).toBe(true);
    uses.remove('b');
    expect(uses.get('mirror.example.com/library/nginx:1')?.original).toBe(false);
  });

  test('of a container that was changed after it was rewritten are its own', () => {
    const uses = index();
    const annotations = { [original]: JSON.stringify({ app: 'nginx:1', gone: 'redis:7' }) };
    uses.put('a', pod({ app: 'nginx:2' }, { annotations }));
    expect([...uses.images()]).toEqual(['docker.io/library/nginx:2']);
    expect(uses.get('docker.io/library/nginx:2')?.original).toBe(true);
  });

  test('are those that the filters let through, of Pods that they let through', () => {
    const uses = index((path) => path !== 'library/redis');
    uses.put('a', pod({ app: 'nginx:1', cache: 'redis:7' }));
    uses.put('b', pod({ app: 'httpd:2' }, { labels: { out: 'yes' } }));
    expect([...uses.images()]).toEqual(['docker.io/library/nginx:1']);
    uses.put('a', pod({ app: 'nginx:1' }, { labels: { out: 'yes' } }));
    expect([...uses.images()]).toEqual([]);
  });

  test('are used with the pull secrets of all their Pods', () => {
    const uses = index();
    uses.put('a', pod({ app: 'nginx:1' }, { pullSecrets: ['z', 'b'] }));
    uses.put('b', pod({ app: 'nginx:1' }, { namespace: 'other', pullSecrets: ['b'] }));
    const secrets = () => uses.get('docker.io/library/nginx:1')?.pullSecrets;
    expect(secrets()).toEqual(['apps/b', 'apps/z', 'other/b']);
    uses.remove('a');
    expect(secrets()).toEqual(['other/b']);
  });

  test('change only where their use does', () => {
    const uses = index();
    uses.put('a', pod({ app: 'nginx:1' }));
    expect([...uses.takeChanged()]).toEqual(['docker.io/library/nginx:1']);
    expect(uses.hasChanged()).toBe(false);
    const images = { app: 'redis:7' };
    uses.put('b', pod(images));
    uses.takeChanged();
    uses.put('b', pod(images, { labels: { version: '2' } }));
    expect(uses.hasChanged()).toBe(false);
  });
});

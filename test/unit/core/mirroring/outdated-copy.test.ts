import { describe, expect, test } from 'vitest';
import {
  isOutdated,
  type KeptPlatforms,
  namesOf,
  withHeld,
} from '#core/mirroring/outdated-copy.ts';

const [amd64, arm64] = [{ architecture: 'amd64' }, { architecture: 'arm64' }];
const armV7 = { os: 'linux', architecture: 'arm', variant: 'v7' };

describe('a copy that stands', () => {
  test.each<[string, readonly string[] | undefined, KeptPlatforms | undefined, boolean]>([
    ['and lacks a platform is made anew', ['linux/amd64'], [amd64, arm64], true],
    ['and has what is wanted is left alone', ['linux/amd64'], [amd64], false],
    ['and has more is left alone', ['linux/amd64', 'linux/arm64/v8'], [arm64], false],
    ['and is cut is made anew where all is wanted', ['linux/amd64'], 'all', true],
    ['and is whole is left alone', undefined, [arm64], false],
    ['and is whole is left alone where all is wanted', undefined, 'all', false],
    ['is left alone while nobody knows what is wanted', ['linux/amd64'], undefined, false],
    ['and lacks a variant is made anew', ['linux/arm/v6'], [armV7], true],
    ['and names no variant has the usual one', ['linux/arm'], [armV7], false],
    ['and is of another os is made anew', ['windows/arm/v7'], [armV7], true],
  ])('%s', (_, platforms, wanted, expected) => {
    const copy = platforms === undefined ? {} : { platforms };
    expect(isOutdated(copy, wanted)).toBe(expected);
  });

  test('is made anew once for what its source was asked for, and again for more', () => {
    const platforms = ['linux/amd64'];
    const asked = (wanted: KeptPlatforms) => ({ platforms, askedPlatforms: namesOf(wanted) });
    expect(isOutdated(asked([amd64, arm64]), [amd64, arm64])).toBe(false);
    expect(isOutdated(asked([amd64, arm64]), [arm64, armV7])).toBe(true);
    expect(isOutdated(asked([amd64, arm64]), 'all')).toBe(true);
    expect(isOutdated(asked('all'), 'all')).toBe(false);
  });

  test('keeps what it holds when it is made anew', () => {
    const held = { platforms: ['linux/amd64', 'linux/arm/v7'] };
    const linux = { os: 'linux', architecture: 'arm', variant: 'v7' };
    expect(withHeld([arm64, amd64], held)).toEqual([arm64, amd64, linux]);
    expect(withHeld('all', held)).toBe('all');
    expect(withHeld([arm64], {})).toEqual([arm64]);
  });
});

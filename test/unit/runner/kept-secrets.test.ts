import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  beginKeeping,
  findLeaks,
  keepSaid,
  keepSecret,
  keepSecretObject,
  keptVariable,
} from '#test/support/runner/kept-secrets.ts';

function begin(): string {
  const around = process.env[keptVariable];
  delete process.env[keptVariable];
  const directory = mkdtempSync(join(tmpdir(), 'kuik-kept-'));
  onTestFinished(() => {
    if (around === undefined) delete process.env[keptVariable];
    else process.env[keptVariable] = around;
    rmSync(directory, { recursive: true });
  });
  expect(beginKeeping(directory)).toBe(directory);
  return directory;
}

const auths = { 'r.example.com': { username: 'alice', password: 'correct horse' } };
const secret = { stringData: { '.dockerconfigjson': JSON.stringify({ auths }) } };
const stored = {
  data: {
    '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64'),
    'tls.key': Buffer.from('-----BEGIN KEY-----\nMIIEvgIBADANBg\n-----END KEY-----').toString(
      'base64',
    ),
  },
};

describe('secrets of a run', () => {
  test('are found in whatever was said', () => {
    const directory = begin();
    keepSecret('a-token-of-an-account');
    keepSaid('log', 'nothing of note');
    expect(findLeaks(directory)).toEqual({ secrets: 1, saidFiles: 1, leaks: [] });
    keepSaid('metrics', 'requests{by="a-token-of-an-account"} 1');
    const { leaks } = findLeaks(directory);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]).toMatch(/metrics: …requests\{by="\[a-to…\]$/);
  });

  test.each([
    ['the password of a pull secret', secret, 'denied: correct horse'],
    ['the pair as it goes over the wire', secret, `Basic ${btoa('alice:correct horse')}`],
    ['the whole Secret', stored, stored.data['.dockerconfigjson']],
    ['a line of a private key', stored, '{"key":"MIIEvgIBADANBg"}'],
  ])('are found as %s', (_, object, said) => {
    const directory = begin();
    keepSecretObject(object);
    keepSaid('debug', said);
    expect(findLeaks(directory).leaks).not.toEqual([]);
  });

  test('are not taken for words that anybody may say', () => {
    const directory = begin();
    keepSecret('x');
    keepSaid('log', 'an example');
    expect(findLeaks(directory)).toEqual({ secrets: 0, saidFiles: 1, leaks: [] });
  });
});

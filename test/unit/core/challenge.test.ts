import { describe, expect, test } from 'vitest';
import { parseChallenges } from '#core/challenge.ts';

const bearer = (parameters: object) => ({ scheme: 'bearer', parameters });
const basic = { scheme: 'basic', parameters: { realm: 'r' } };

describe('challenges that no specification foresees', () => {
  const cases: readonly (readonly [line: string, challenges: readonly object[]])[] = [
    ['', []],
    [' , ,', []],
    ['Bearer', [bearer({})]],
    ['realm="r"', []],
    ['Bearer realm="a",service=""', [bearer({ realm: 'a', service: '' })]],
    ['Bearer realm = "a" , service = b', [bearer({ realm: 'a', service: 'b' })]],
    ['Bearer realm="a" service="b"', [bearer({ realm: 'a', service: 'b' })]],
    ['Bearer realm="a",service="unterminated', [bearer({ realm: 'a' })]],
    [
      'Bearer realm=https://auth.example.com/token',
      [bearer({ realm: 'https://auth.example.com/token' })],
    ],
    ['Negotiate abc==, Basic realm="r"', [{ scheme: 'negotiate', parameters: {} }, basic]],
    ['Basic realm="r",', [basic]],
    [', Basic realm="r"', [basic]],
    ['Basic realm="a", Basic realm="r"', [{ scheme: 'basic', parameters: { realm: 'a' } }, basic]],
    ['Bearer realm="a, Basic realm=b"', [bearer({ realm: 'a, Basic realm=b' })]],
    ['Bearer realm="a",realm="b"', [bearer({ realm: 'b' })]],
    ['Bearer realm="a\\\\b"', [bearer({ realm: 'a\\b' })]],
  ];
  test.each(cases)('are read: %j', (line, challenges) => {
    expect(parseChallenges([line])).toEqual(challenges);
  });
});

test('a parameter may have any name without harm', () => {
  const [challenge] = parseChallenges(['Bearer __proto__="x",constructor="y"']);
  expect(Object.keys(challenge?.parameters ?? {})).toEqual(['__proto__', 'constructor']);
});

test('a header of the largest size is read at once, however it is built', () => {
  for (const part of ['Basic ', 'a=', 'a="\\', '"', ', ', 'a b c=', '==']) {
    const startedAtMs = performance.now();
    const line = part.repeat(Math.ceil(16_384 / part.length));
    expect(parseChallenges([line]).length).toBeLessThanOrEqual(16);
    expect(performance.now() - startedAtMs).toBeLessThan(200);
  }
});

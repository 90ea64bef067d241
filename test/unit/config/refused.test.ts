import { expect, test } from 'vitest';
import { parseConfiguration } from '#config/load.ts';

/** The problems as `path: expected …, found …`. */
function problems(text: string): readonly string[] {
  const outcome = parseConfiguration(text);
  if (outcome.ok) throw new Error('Expected a refusal.');
  return outcome.error.map(({ path, expected, found }) => `${path}: ${expected}; ${found}`);
}

const go = 'a duration as Go writes it, such as 1h30m, 500ms or 0 (at most 2562047h)';
const above = 'a duration above 0 as Go writes it, such as 1h30m or 500ms';
const host = 'a registry host, with its port if any, such as quay.io or registry.local:5000';
const selector = 'a Kubernetes selector such as key=value, !key or key in (a,b)';
const items = 'monitoring.registries.items';
const legacy = 'metrics.imageLastMonitorAgeMinutes.legacy';

test.each([
  [
    '[]',
    [
      ': a mapping with keys of skipLabels, skipAnnotations, routing, mirroring, monitoring, metrics, registries, tls; []',
    ],
  ],
  ['hello', [expect.stringContaining('; "hello"')]],
  ['rooting: {}', [expect.stringMatching(/^rooting: one of the keys skipLabels, .*; "rooting"$/)]],
  [
    'routing: {activeCheck: {timeouts: 1s}}',
    [
      'routing.activeCheck.timeouts: one of the keys timeout, resolveDigest, staleMirrorCleanup; "timeouts"',
    ],
  ],
  ['routing: {__proto__: {a: 1}}', [expect.stringMatching(/^routing\.__proto__: one of the keys/)]],
  ['routing: {activeCheck: {timeout: 1}}', [`routing.activeCheck.timeout: ${go}; 1`]],
  ['routing: {activeCheck: {timeout: 1 s}}', [`routing.activeCheck.timeout: ${go}; "1 s"`]],
  ['routing: {activeCheck: {timeout: -1s}}', [`routing.activeCheck.timeout: ${go}; "-1s"`]],
  ['routing: {activeCheck: {timeout: 30d}}', [`routing.activeCheck.timeout: ${go}; "30d"`]],
  [
    'routing: {activeCheck: {timeout: 9999999h}}',
    [`routing.activeCheck.timeout: ${go}; "9999999h"`],
  ],
  ['routing: {activeCheck: {timeout: {}}}', [`routing.activeCheck.timeout: ${go}; {}`]],
  ['routing: {activeCheck: {timeout: true}}', [`routing.activeCheck.timeout: ${go}; true`]],
  ['routing: {deadline: 0s}', [`routing.deadline: ${above}; "0s"`]],
  [
    'routing: {rewriteOnNeverImagePullPolicy: "yes"}',
    ['routing.rewriteOnNeverImagePullPolicy: true or false; "yes"'],
  ],
  [
    'routing: {activeCheck: {staleMirrorCleanup: {maxConcurrent: 0}}}',
    ['routing.activeCheck.staleMirrorCleanup.maxConcurrent: a whole number from 1 to 1000; 0'],
  ],
  ['routing: 5', [expect.stringMatching(/^routing: a mapping with keys of activeCheck, .*; 5$/)]],
  [
    'mirroring: {platforms: []}',
    ['mirroring.platforms: all, auto, or a list of at least one {os, architecture, variant}; []'],
  ],
  [
    'mirroring: {platforms: every}',
    [
      'mirroring.platforms: all, auto, or a list of at least one {os, architecture, variant}; "every"',
    ],
  ],
  [
    'mirroring: {platforms: [{os: linux}]}',
    ['mirroring.platforms[0].architecture: a text that is not empty; nothing'],
  ],
  [
    'mirroring: {platforms: [{architecture: arm, variant: 7}]}',
    ['mirroring.platforms[0].variant: a text; 7'],
  ],
  [
    'mirroring: {quotaReserve: 130}',
    ['mirroring.quotaReserve: a percentage from 0 to 100, such as 30 or "30%"; 130'],
  ],
  [
    'monitoring: {nodeOnly: ["(", 7]}',
    [
      expect.stringMatching(/^monitoring\.nodeOnly\[0\]: an RE2 pattern over whole .*; "\("/),
      expect.stringMatching(/^monitoring\.nodeOnly\[1\]: an RE2 pattern .*; 7$/),
    ],
  ],
  [
    'monitoring: {registries: {items: {Quay.io: {}, quay.io: {}, "quay.io:443": {}}}}',
    [expect.stringContaining('one key for one registry'), expect.stringContaining('one key for')],
  ],
  [
    'monitoring: {registries: {default: {method: get}}}',
    ['monitoring.registries.default.method: HEAD or GET; "get"'],
  ],
  [
    'monitoring: {registries: {default: {interval: 0}}}',
    [`monitoring.registries.default.interval: ${above}; 0`],
  ],
  [
    `monitoring: {registries: {items: {docker.io: {maxPerInterval: 1.5}}}}`,
    [`${items}["docker.io"].maxPerInterval: a whole number from 1 to 10000000; 1.5`],
  ],
  [
    `monitoring: {registries: {items: {"https://quay.io": {}}}}`,
    [`${items}["https://quay.io"]: ${host}; "https://quay.io"`],
  ],
  ['registries: {mirror: {insecure: true}}', [`registries.mirror: ${host}; "mirror"`]],
  [
    'registries: {quay.io: {concurrency: "4"}}',
    ['registries["quay.io"].concurrency: a whole number from 1 to 1000; "4"'],
  ],
  [
    'registries: {quay.io: {copies: {maxPerInterval: 5}}}',
    [`registries["quay.io"].copies.interval: ${above}; nothing`],
  ],
  [
    'registries: {quay.io: {copies: {interval: 0s, maxPerInterval: 5}}}',
    [`registries["quay.io"].copies.interval: ${above}; "0s"`],
  ],
  [
    'registries: {quay.io: {copies: {interval: 6h}}}',
    ['registries["quay.io"].copies.maxPerInterval: a whole number from 1 to 10000000; nothing'],
  ],
  [
    'registries: {quay.io: {copies: all}}',
    [
      'registries["quay.io"].copies: none, or both interval and maxPerInterval, such as {interval: 6h, maxPerInterval: 50}; "all"',
    ],
  ],
  ['registries: {quay.io: {caFile: [a]}}', ['registries["quay.io"].caFile: a text; ["a"]']],
  [
    'registries: {docker.io: {}, index.docker.io: {}}',
    [
      'registries["index.docker.io"]: one key for one registry, which docker.io is too; "index.docker.io"',
    ],
  ],
  [
    'monitoring: {registries: {default: {fallbackCredentialSecret: {name: a}}}}',
    [
      'monitoring.registries.default.fallbackCredentialSecret.namespace: a text that is not empty; nothing',
    ],
  ],
  ['skipLabels: a=b', [`skipLabels: a list of at most 1000 items, each ${selector}; "a=b"`]],
  [
    'skipLabels: [a=b, "a in b"]',
    [expect.stringMatching(/^skipLabels\[1\]: a Kubernetes selector such as .* \(.*\); "a in b"$/)],
  ],
  [
    'metrics: {imageLastMonitorAgeMinutes: {legacy: {bucketType: linear}}}',
    [`${legacy}.bucketType: exponential, exponentialRange, custom or disabled; "linear"`],
  ],
  [
    'metrics: {imageLastMonitorAgeMinutes: {legacy: {factor: 1}}}',
    [`${legacy}.factor: a number above 1; 1`],
  ],
  [
    'metrics: {imageLastMonitorAgeMinutes: {legacy: {bucketType: custom, custom: [1, 5, 5]}}}',
    [`${legacy}.custom[2]: a number above the one before (5); 5`],
  ],
  [
    'metrics: {imageLastMonitorAgeMinutes: {legacy: {bucketType: exponentialRange, min: 9, max: 8}}}',
    [`${legacy}.max: a number above min (9); 8`],
  ],
  ['a: 1\n---\nb: 2', [': one YAML document; 2']],
  ['a: [', [expect.stringMatching(/^: YAML; at line 1, column \d+: /)]],
  [
    'routing: {}\nrouting: {}',
    [expect.stringMatching(/^: YAML; at line 2, column 1: Map keys must be unique/)],
  ],
])('%s is refused with place, expected and found', (text, expected) => {
  expect(problems(text)).toEqual(expected);
});

test('every problem is reported, not only the first', () => {
  const found = problems(`
skipAnnotations: ["a b"]
routing: { deadline: soon, surprise: 1 }
mirroring: { concurrency: none }
registries: { quay.io: { trust: 1, plainHTTP: 2 } }
`);
  expect(found.map((line) => line.split(':')[0])).toEqual([
    'skipAnnotations[0]',
    'routing.deadline',
    'routing.surprise',
    'mirroring.concurrency',
    'registries["quay.io"].trust',
    'registries["quay.io"].plainHTTP',
  ]);
});

test('aliases that would fill the memory are refused', () => {
  const levels = Array.from({ length: 12 }, (_, n) => {
    const name = String.fromCharCode(97 + n);
    const before = String.fromCharCode(96 + n);
    return `${name}: &${name} [${n === 0 ? 'x' : Array(9).fill(`*${before}`).join(',')}]`;
  });
  expect(problems(levels.join('\n'))).toEqual([expect.stringContaining('alias')]);
});

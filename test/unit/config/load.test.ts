import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadEnvironment } from '#config/environment.ts';
import { formatConfigurationFailure, loadConfiguration, parseConfiguration } from '#config/load.ts';

const directory = mkdtempSync(join(tmpdir(), 'kuik-configuration-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function parsed(text: string) {
  const outcome = parseConfiguration(text);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

/** The full file of behaviour §7, as kuik v2 documents it. */
const full = `
skipLabels: []
skipAnnotations: []
routing:
  activeCheck: { timeout: 1s, resolveDigest: false, staleMirrorCleanup: { maxConcurrent: 10, timeout: 5s } }
  rewriteOnNeverImagePullPolicy: false
  honorPrioritiesOnAlwaysImagePullPolicy: false
mirroring:
  platforms: [ { architecture: amd64 } ]
monitoring:
  registries:
    default: { method: HEAD, interval: 3h, maxPerInterval: 25, timeout: 0s, resolveDigest: false }
    items: { docker.io: { interval: 1h, maxPerInterval: 6 } }
metrics:
  imageLastMonitorAgeMinutes: { bucketFactor: 1.1, zeroThreshold: 1, maxBucketNumber: 20,
    legacy: { bucketType: exponential, start: 1, factor: 1.94, count: 12, min: 1, max: 1440, custom: [1,5,10,30,60,120,180,360,720,1440] } }
`;

test('what kuik v2 documents as its defaults are the defaults', () => {
  expect(parsed(full)).toEqual(parsed(''));
  expect(parsed('')).toEqual({
    skipLabels: [],
    skipAnnotations: [],
    routing: {
      activeCheck: {
        timeoutMs: 1_000,
        resolveDigest: false,
        staleMirrorCleanup: { maxConcurrent: 10, timeoutMs: 5_000 },
      },
      rewriteOnNeverImagePullPolicy: false,
      honorPrioritiesOnAlwaysImagePullPolicy: false,
      deadlineMs: 3_000,
    },
    mirroring: { platforms: [{ architecture: 'amd64' }], concurrency: 2, quotaReserve: 0.3 },
    monitoring: {
      nodeOnly: [],
      registries: {
        default: {
          method: 'HEAD',
          intervalMs: 10_800_000,
          maxPerInterval: 25,
          timeoutMs: 0,
          resolveDigest: false,
        },
        items: {
          'docker.io': {
            method: 'HEAD',
            intervalMs: 3_600_000,
            maxPerInterval: 6,
            timeoutMs: 0,
            resolveDigest: false,
          },
        },
      },
    },
    metrics: {
      imageLastMonitorAgeMinutes: {
        bucketFactor: 1.1,
        zeroThreshold: 1,
        maxBucketNumber: 20,
        legacy: {
          bucketType: 'exponential',
          start: 1,
          factor: 1.94,
          count: 12,
          min: 1,
          max: 1440,
          custom: [1, 5, 10, 30, 60, 120, 180, 360, 720, 1440],
        },
      },
    },
    registries: {},
    rootCertificateAuthorities: [],
  });
});

test('a file of comments, of nothing or with keys that have no value says nothing', () => {
  for (const text of [
    '# only this\n',
    '---\n',
    'routing:\nmonitoring:\n  registries:\n    items:\n',
  ]) {
    expect(parsed(text)).toEqual(parsed(''));
  }
});

test('the example of the CRD reference loads unchanged', () => {
  const { registries } = parsed(`
monitoring:
  registries:
    default:
      method: HEAD
      interval: 3h
      maxPerInterval: 25
      timeout: 10s
    items:
      docker.io:
        interval: 1h
        maxPerInterval: 6
        fallbackCredentialSecret:
          name: dockerhub-creds
          namespace: kuik-system
`).monitoring;
  expect(registries.items['docker.io']).toEqual({
    method: 'HEAD',
    intervalMs: 3_600_000,
    maxPerInterval: 6,
    timeoutMs: 10_000,
    resolveDigest: false,
    fallbackCredentialSecret: { name: 'dockerhub-creds', namespace: 'kuik-system' },
  });
});

test('items fall back field by field, and keys merge with the built-in docker.io', () => {
  const { items } = parsed(`
monitoring:
  registries:
    default: { method: GET, timeout: 7s, resolveDigest: true }
    items:
      quay.io: { maxPerInterval: 60, resolveDigest: false, timeout: 0 }
      registry.local:5000:
`).monitoring.registries;
  expect(items).toEqual({
    'docker.io': {
      method: 'GET',
      intervalMs: 3_600_000,
      maxPerInterval: 6,
      timeoutMs: 7_000,
      resolveDigest: true,
    },
    'quay.io': {
      method: 'GET',
      intervalMs: 10_800_000,
      maxPerInterval: 60,
      timeoutMs: 0,
      resolveDigest: false,
    },
    'registry.local:5000': {
      method: 'GET',
      intervalMs: 10_800_000,
      maxPerInterval: 25,
      timeoutMs: 7_000,
      resolveDigest: true,
    },
  });
  const hub = parsed('monitoring: {registries: {items: {index.docker.io: {timeout: 2s}}}}');
  expect(hub.monitoring.registries.items).toMatchObject({
    'docker.io': { maxPerInterval: 6, intervalMs: 3_600_000, timeoutMs: 2_000 },
  });
});

test('what is ours on top loads, and what kuik v2 says of TLS means the same', () => {
  const configuration = parsed(`
routing: { deadline: 2500ms, activeCheck: { timeout: 0 } }
mirroring: { concurrency: 5, quotaReserve: 45%, platforms: auto }
registries:
  registry.local:5000: { plainHTTP: true, concurrency: 8 }
  index.docker.io: { trust: true, copies: { interval: 6h, maxPerInterval: 50 } }
tls:
  insecureRegistries: [ registry.local:5000, "localhost:5001" ]
  rootCertificateAuthorities: [ /etc/ssl/corporation.pem ]
`);
  expect(configuration.routing).toMatchObject({
    deadlineMs: 2_500,
    activeCheck: { timeoutMs: 2_500 },
  });
  expect(configuration.mirroring).toEqual({
    concurrency: 5,
    quotaReserve: 0.45,
    platforms: 'auto',
  });
  const plain = { insecure: false, plainHTTP: false, concurrency: 256, trust: false };
  expect(configuration.registries).toEqual({
    'registry.local:5000': { ...plain, plainHTTP: true, concurrency: 8, insecure: true },
    'docker.io': {
      ...{ ...plain, trust: true },
      copies: { intervalMs: 21_600_000, maxPerInterval: 50 },
    },
    'localhost:5001': { ...plain, insecure: true },
  });
  expect(configuration.rootCertificateAuthorities).toEqual(['/etc/ssl/corporation.pem']);
});

test('where nobody named a file, the usual one may be missing: the defaults hold', () => {
  const file = '/etc/kube-image-keeper/config.yaml';
  expect(existsSync(file)).toBe(false);
  const loaded = loadConfiguration(undefined);
  expect(loaded).toEqual({ ok: true, value: { configuration: parsed(''), file, found: false } });
});

test('a file that was named must be there', () => {
  const file = join(directory, 'nowhere.yaml');
  expect(loadConfiguration(file)).toMatchObject({
    ok: false,
    error: { file, problems: [{ expected: 'a readable file' }] },
  });
});

test('a file that is there but cannot be read stops the start', () => {
  const file = join(directory, 'a-directory.yaml');
  mkdirSync(file);
  expect(loadConfiguration(file)).toMatchObject({
    ok: false,
    error: { file, problems: [{ expected: 'a readable file' }] },
  });
  const huge = write('huge.yaml', `# ${'x'.repeat(1_100_000)}`);
  expect(loadConfiguration(huge)).toMatchObject({
    ok: false,
    error: { problems: [{ expected: 'at most 1048576 bytes' }] },
  });
});

test('a CA file must be there and hold certificates', () => {
  const pem = write('good.pem', '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
  const text = write('text.pem', 'not a certificate');
  const file = write(
    'authorities.yaml',
    `registries: {a.example.com: {caFile: ${pem}}, b.example.com: {caFile: ${text}}}\n` +
      'tls: {rootCertificateAuthorities: [/nowhere.pem]}\n',
  );
  const loaded = loadConfiguration(file);
  expect(loaded.ok).toBe(false);
  expect(loaded.ok ? '' : formatConfigurationFailure(loaded.error)).toBe(
    `Configuration ${file} can't be used:\n` +
      `  registries["b.example.com"].caFile: expected a readable file with PEM certificates, found "${text}"\n` +
      '  tls.rootCertificateAuthorities[0]: expected a readable file with PEM certificates, found "/nowhere.pem"',
  );
});

test('proxies are read as Go reads them: upper case first, empty is unset', () => {
  const { proxies } = loadEnvironment({
    HTTPS_PROXY: 'http://upper:1',
    https_proxy: 'http://lower:1',
    HTTP_PROXY: '',
    http_proxy: 'http://lower:2',
    no_proxy: '10.0.0.0/8,.local',
  });
  expect(proxies).toEqual({
    httpsProxy: 'http://upper:1',
    httpProxy: 'http://lower:2',
    noProxy: '10.0.0.0/8,.local',
  });
  expect(loadEnvironment({ NO_PROXY: '' }).proxies).toEqual({});
  expect(loadEnvironment({ KUBECONFIG: '/a', HOME: '/b' }).kubernetes).toEqual({
    KUBECONFIG: '/a',
    KUBERNETES_SERVICE_HOST: undefined,
    KUBERNETES_SERVICE_PORT: undefined,
  });
});

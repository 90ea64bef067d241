import { expect, test } from 'vitest';
import { registryHost } from '#core/image/registry-host.ts';

test.each([
  ['quay.io', 'quay.io'],
  ['QUAY.io', 'quay.io'],
  ['quay.io.', 'quay.io'],
  ['quay.io:443', 'quay.io'],
  ['Quay.IO.:443', 'quay.io'],
  ['quay.io:5000', 'quay.io:5000'],
  ['quay.io.:5000', 'quay.io:5000'],
  ['quay.io:80', 'quay.io:80'],
  ['127.1:5000', '127.0.0.1:5000'],
  ['0x7f.1:5000', '127.0.0.1:5000'],
  ['[0:0::1]:5000', '[::1]:5000'],
  ['[::1]', '[::1]'],
  ['no host', 'no host'],
])('%s is the registry %s', (written, host) => {
  expect(registryHost(written)).toBe(host);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

const lockFile = join(import.meta.dirname, '..', '..', '..', 'package-lock.json');
const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
/** As npm does with `--omit=dev --omit=optional`. */
const shipped = Object.entries(packages).filter(
  ([path, { dev, optional, devOptional }]) =>
    path !== '' && dev !== true && optional !== true && devOptional !== true,
);
const names = shipped.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 13));

/** What browsers load (docs/adr/0016): files that the operator sends and never runs. */
const forBrowsers = ['htm', 'uplot', '@tanstack/virtual-core'];

test('what runs in the operator is made of fewer than 70 packages', () => {
  expect(names).toContain('fastify');
  expect(names).toEqual(expect.arrayContaining(forBrowsers));
  expect(names.length - forBrowsers.length).toBeLessThan(70);
});

test('nothing is shipped that only a kubeconfig or a person at a terminal needs', () => {
  expect(names).not.toContain('@kubernetes/client-node');
  expect(names).not.toContain('pino-pretty');
});

test('each package that is shipped has its checksum in the lock file', () => {
  expect(shipped.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ShippedPackage, shippedPackages } from '../image/shipped-packages.ts';

/** The licences of all that the bundle holds, which ask to go along with it. */
export function thirdPartyNotices(root: string): string {
  return [...shippedPackages(root).packages, ...inlinedPackages(root)]
    .map(({ path, name, version, license = 'unknown' }) => {
      const texts = licenceFiles(join(root, path)).map((file) => readFileSync(file, 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

/** Preact is inside the file of htm that the page loads. */
function inlinedPackages(root: string): readonly NamedPackage[] {
  const path = 'node_modules/preact';
  const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  return [{ ...(manifest as Omit<NamedPackage, 'path'>), path }];
}

type NamedPackage = Pick<ShippedPackage, 'path' | 'name' | 'version' | 'license'>;

function licenceFiles(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .toSorted()
    .map((name) => join(directory, name));
}

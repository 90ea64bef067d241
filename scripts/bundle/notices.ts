import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedPackages } from '../image/shipped-packages.ts';

/** The licences of all that the bundle holds, which ask to go along with it. */
export function thirdPartyNotices(root: string): string {
  return shippedPackages(root)
    .packages.map(({ path, name, version, license = 'unknown' }) => {
      const texts = licenceFiles(join(root, path)).map((file) => readFileSync(file, 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

function licenceFiles(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
    .toSorted()
    .map((name) => join(directory, name));
}

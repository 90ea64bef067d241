import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinitions } from '#api/crds/definitions.ts';
import { referencePage } from './crds/reference-page.ts';

/** Writes crds/*.yaml, the chart's copies of them and docs/reference.md from src/api; with `--check` it only compares. */
function main(): number {
  const checking = process.argv.includes('--check');
  const root = join(import.meta.dirname, '..');
  const stale = [...generatedFiles()].filter(([path, text]) => read(join(root, path)) !== text);
  for (const [path, text] of stale) {
    if (!checking) writeFileSync(join(root, path), text);
    console.log(`${checking ? 'differs from src/api' : 'written'}: ${path}`);
  }
  if (checking && stale.length > 0) {
    console.log('Expected what `node scripts/generate-crds.ts` writes: run it and commit.');
    return 1;
  }
  return 0;
}

const madeFrom = '# Made from src/api by scripts/generate-crds.ts.\n';
/** No anchors: shared schemas are written out, so that each CRD can be read from top to bottom. */
const textOptions = { aliasDuplicateObjects: false, lineWidth: 100 } as const;
/** By which all of them are found once the release is gone. */
const releaseLabels = { 'app.kubernetes.io/name': 'kuik' };

/** Path from the root of the repository to the text that belongs there. */
function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>([['docs/reference.md', referencePage()]]);
  for (const definition of customResourceDefinitions()) {
    const { group, names } = definition.spec;
    const text = stringify(definition, textOptions);
    const file = `${group}_${names.plural}.yaml`;
    files.set(`crds/${file}`, `${madeFrom}${text}`);
    // Resources outlive the release that brought their definition.
    const annotations = { 'helm.sh/resource-policy': 'keep' };
    const metadata = { ...definition.metadata, labels: { ...releaseLabels }, annotations };
    const kept = stringify({ ...definition, metadata }, textOptions);
    files.set(`chart/files/crds/${file}`, `${madeFrom}${kept}`);
  }
  return files;
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

process.exitCode = main();

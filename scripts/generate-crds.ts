import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinitions } from './crds/definitions.ts';
import { referencePage } from './crds/reference-page.ts';

/** Writes crds/*.yaml and docs/reference.md from src/api; with `--check` it only compares. */
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

/** Path from the root of the repository to the text that belongs there. */
function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>([['docs/reference.md', referencePage()]]);
  for (const definition of customResourceDefinitions()) {
    const { group, names } = definition.spec;
    // No anchors: shared schemas are written out, so that each CRD can be read from top to bottom.
    const text = stringify(definition, { aliasDuplicateObjects: false, lineWidth: 100 });
    files.set(
      `crds/${group}_${names.plural}.yaml`,
      `# Made from src/api by scripts/generate-crds.ts.\n${text}`,
    );
  }
  return files;
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

process.exitCode = main();

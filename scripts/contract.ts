import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run contract [-- DIR]`: runs the contract tests over the vectors in DIR, or over ours. A file
 * that DIR lacks is skipped with a word; a DIR without any is a mistake in the command.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const contract = join(root, 'test/contract');

/** One test a vector file, of the same name. */
const subjects = globSync('*.test.ts', { cwd: contract })
  .map((file) => basename(file, '.test.ts'))
  .filter((subject) => existsSync(join(contract, 'vectors', `${subject}.yaml`)))
  .sort();

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}

const [directory, ...rest] = process.argv.slice(2);
if (rest.length > 0) stop(`Expected at most one folder, got ${process.argv.slice(2).join(' ')}`);

// npm runs scripts in the package's folder; what people write is relative to where they stand.
const folder = resolve(
  directory === undefined ? root : (process.env['INIT_CWD'] ?? process.cwd()),
  directory ?? join(contract, 'vectors'),
);
const present = subjects.filter((subject) => existsSync(join(folder, `${subject}.yaml`)));
if (present.length === 0) {
  const names = subjects.map((subject) => `${subject}.yaml`).join(', ');
  stop(`Expected at least one of ${names} in ${folder}, found none`);
}
for (const subject of subjects) {
  if (!present.includes(subject)) console.log(`Skipped: ${folder} has no ${subject}.yaml`);
}

const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const files = present.map((subject) => join(contract, `${subject}.test.ts`));
const child = spawn(process.execPath, [vitest, 'run', '--project', 'fast', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, KUIK_VECTORS: folder },
});
child.on('exit', (code) => process.exit(code ?? 1));

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the operator is started from. */
export const entryPoint = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

/** The flags of Node that it is shipped with, as its first line says. */
export function shippedNodeFlags(): readonly string[] {
  const [first = ''] = readFileSync(entryPoint, 'utf8').split('\n', 1);
  const said = /exec node (?<flags>.+) "\$0" "\$@"'$/.exec(first)?.groups?.['flags'];
  if (said === undefined) throw new Error(`Expected the flags of Node, got "${first}".`);
  return said.split(' ');
}

import { parseArgs } from 'node:util';
import { makeBenchTls } from '#test/bench/admission-stage.ts';
import { table } from '#test/bench/table.ts';
import { startControlPlane } from '#test/support/api-server/control-plane.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import type { AttackRow } from './attack-row.ts';
import type { AttackGround } from './attack-stage.ts';
import { browserRows } from './rows/browsers.ts';
import { fieldRows } from './rows/field.ts';
import { objectRows } from './rows/objects.ts';
import { registryRows } from './rows/registries.ts';
import { tenantRows } from './rows/tenants.ts';
import { runAttack } from './run-attack.ts';
import { startScriptedRegistry } from './scripted-registry.ts';
import { type AttackFigures, attackCells, attackColumns, missedBars } from './verdict.ts';

/**
 * `npm run attack [-- --row A5] [--times 10]`: attacks a running operator, one row after the other, and
 * says of each who was held up, by how much, and what leaked. Everything is on loopback, bounded in count
 * and time, and ends by itself; exit code 1 where a row is not stood.
 */
const usage = 'npm run attack [-- --row A5] [--times 10]';
const timesMax = 10;
/** So long one attack may take; what it has not done by then is left. */
const attackMsMax = 120_000;

const order = new Intl.Collator('en', { numeric: true });
const rows = [...objectRows, ...registryRows, ...fieldRows, ...tenantRows, ...browserRows].toSorted(
  (left, right) => order.compare(left.id, right.id),
);

function stop(message: string): never {
  console.error(`${message}\nUsage: ${usage}`);
  process.exit(2);
}

function readArguments(): { readonly asked: readonly AttackRow[]; readonly times: number } {
  try {
    const { values } = parseArgs({
      options: { row: { type: 'string', default: '' }, times: { type: 'string', default: '1' } },
    });
    const times = Number(values.times);
    if (!(Number.isInteger(times) && times >= 1 && times <= timesMax)) {
      stop(`Expected --times from 1 to ${timesMax}, got ${values.times}.`);
    }
    const asked = rows.filter(({ id }) => isAskedFor(id, values.row));
    if (asked.length > 0) return { asked, times };
    stop(`Expected --row to be any of ${rows.map(({ id }) => id).join(', ')}; got ${values.row}.`);
  } catch (error) {
    stop((error as Error).message);
  }
}

/** `A5` asks for `A5a` and not for `A50`; `F` for all that begin so, nothing for all. */
function isAskedFor(id: string, asked: string): boolean {
  if (!id.startsWith(asked)) return false;
  return !/\d$/.test(asked) || !/^\d/.test(id.slice(asked.length));
}

/** Undefined where there was nothing to attack, which is said. */
async function attempt(
  ground: AttackGround,
  row: AttackRow,
  times: number,
): Promise<AttackFigures | undefined> {
  try {
    return await runAttack(ground, row, { times, attackMsMax });
  } catch (error) {
    console.log(`${row.id}  ${row.attack}: could not be run: ${(error as Error).message}`);
    return undefined;
  }
}

async function main(): Promise<void> {
  const { asked, times } = readArguments();
  // Nobody is told of the root (F3): whom the operator trusts is the authority below it.
  const root = await makeAuthority();
  const tls = await makeBenchTls(await root.issueAuthority('an issuing authority'));
  const plane = await startControlPlane();
  const registries = await Promise.all(
    Array.from({ length: 4 }, () => startScriptedRegistry(tls.certificate)),
  );
  const ground: AttackGround = {
    ...{ plane, tls },
    hostile: registries.slice(0, 2),
    healthy: registries.slice(2),
  };
  const results: AttackFigures[] = [];
  try {
    for (const row of asked) {
      const figures = await attempt(ground, row, times);
      if (figures === undefined) continue;
      results.push(figures);
      const missed = missedBars(figures);
      console.log(`${row.id}  ${row.attack}: ${missed.length === 0 ? 'stood' : missed.join('; ')}`);
    }
    console.log(`\n${table(attackColumns, results.map(attackCells))}`);
    const failed = results.filter((figures) => missedBars(figures).length > 0);
    const stood = results.length - failed.length;
    console.log(`\n${stood} of ${asked.length} rows are stood.`);
    process.exitCode = stood === asked.length ? 0 : 1;
  } finally {
    for (const registry of registries) await registry.close();
    await plane.stop();
    tls.directory.remove();
  }
}

await main();

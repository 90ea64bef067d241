import { once } from 'node:events';
import { images } from './cast.ts';
import { Curtain } from './curtain.ts';
import { Page } from './page.ts';
import { type Stage, setStage } from './stage.ts';
import { tell } from './story.ts';

/**
 * `npm run demo`: a Pod starts although its registry is down. Stays until Enter; `--once` ends by
 * itself. Exit code 0 only when every step came out as told; 130 after Ctrl-C.
 */
const startedMs = performance.now();
const page = new Page();
const curtain = new Curtain();
const endsByItself = process.argv.includes('--once');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    page.close('Stopped. Everything that was started ends now.');
    // What is being started just now is not on the curtain yet: the guardian ends that.
    void curtain.fall('atOnce').finally(() => process.exit(130));
  });
}

process.exitCode = await run();

async function run(): Promise<number> {
  page.title('kuik: Pods that start although their registry is down');
  let problems = 0;
  try {
    const stage = await setStage(page, curtain);
    problems = await tell(page, stage);
    invite(stage, problems);
    if (!endsByItself) await enter();
  } catch (error) {
    problems += 1;
    page.detail('\nNOT SO', error instanceof Error ? error.message : String(error), 'bad');
  }
  problems += await end();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const verdict = problems === 0 ? 'Every step came out as told.' : `${problems} did not come out.`;
  page.title(`${verdict} ${endsByItself ? `${seconds} s in all.` : ''}`);
  return problems === 0 ? 0 : 1;
}

/** Ends with what to try next: where everything is, and two commands that ask the operator. */
function invite({ operator, plane, namespace, main }: Stage, problems: number): void {
  const title = problems === 0 ? 'Look for yourself' : 'Look what went wrong';
  page.title(endsByItself ? `${title}: without --once all of this stays until Enter` : title);
  page.detail('page', `${operator.debugUrl}/debug/`);
  page.detail('metrics', `${operator.metricsUrl}/metrics`);
  page.command(
    'Pods',
    `kubectl get pods -o yaml -n ${namespace} --kubeconfig`,
    plane.adminKubeconfig,
  );
  page.title('Try next, in another terminal');
  page.command(
    'explain',
    `npm start --silent -- explain ${main.host}/${images.declared[0]}`,
    `-n ${namespace} --debug-url ${operator.debugUrl}`,
  );
  page.command('status', `npm start --silent -- status --metrics-url ${operator.metricsUrl}`);
}

async function enter(): Promise<void> {
  process.stdout.write('\nEnter ends it. ');
  process.stdin.resume();
  // A closed input counts as Enter: nobody is there to press it.
  await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')]);
  process.stdin.pause();
}

async function end(): Promise<number> {
  const done = page.step('Everything ends; the operator goes on admitting for 5 s first');
  try {
    await curtain.fall('orderly');
    done();
    return 0;
  } catch (error) {
    done();
    page.detail('NOT SO', error instanceof Error ? error.message : String(error), 'bad');
    return 1;
  }
}

import { once } from 'node:events';
import { openPage, type Page } from './page.ts';
import { openCurtain, type Stage, setStage } from './stage.ts';
import { tell } from './story.ts';

/**
 * `npm run demo`: a Pod starts although its registry is down. Stays until Enter; `--once` ends by
 * itself. Exit code 0 only when every step came out as told; 130 after Ctrl-C.
 */
const startedMs = performance.now();
const curtain = openCurtain();
const endsByItself = process.argv.includes('--once');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // What is being started just now is not on the curtain yet: the guardian ends that.
    process.stdout.write('\n    Stopping everything …\n');
    void curtain.fall('atOnce').finally(() => process.exit(130));
  });
}

process.exitCode = await run(openPage());

async function run(page: Page): Promise<number> {
  page.title('kuik: Pods that start although their registry is down');
  let problems = 0;
  try {
    const stage = await setStage(page, curtain);
    problems = await tell(page, stage);
    invite(page, stage, problems);
    if (!endsByItself) await enter();
  } catch (error) {
    problems += 1;
    page.detail('\nNOT SO', error instanceof Error ? error.message : String(error), 'bad');
  }
  problems += await end(page);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const verdict = problems === 0 ? 'Every step came out as told.' : `${problems} did not come out.`;
  page.title(`${verdict} ${endsByItself ? `${seconds} s in all.` : ''}`);
  return problems === 0 ? 0 : 1;
}

function invite(page: Page, { operator, plane, namespace }: Stage, problems: number): void {
  page.title(problems === 0 ? 'Look for yourself' : 'Look what went wrong');
  page.detail('actors', `${operator.debugUrl}/debug/actors`);
  page.detail('metrics', `${operator.metricsUrl}/metrics`);
  page.detail('kubeconfig', plane.adminKubeconfig);
  page.detail('Pods', `kubectl get pods -o yaml -n ${namespace} --kubeconfig …`);
}

async function enter(): Promise<void> {
  process.stdout.write('\nEnter ends it. ');
  process.stdin.resume();
  // A closed input counts as Enter: nobody is there to press it.
  await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')]);
  process.stdin.pause();
}

async function end(page: Page): Promise<number> {
  const done = page.step('Everything ends; the operator drains its reviews first');
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

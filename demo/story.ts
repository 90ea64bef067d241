import { setTimeout as delay } from 'node:timers/promises';
import { untilReady } from '#test/support/time/eventually.ts';
import { meaning, rerouted, unchanged } from './cast.ts';
import { tellCleanup, tellCopies } from './mirroring.ts';
import { tellMonitoring } from './monitoring.ts';
import type { Page, Tone } from './page.ts';
import { createPod, type PodOutcome, type PodStory } from './pods.ts';
import { declare, type Stage } from './stage.ts';

/** A little more than the second for which an answer about one image is remembered. */
const answersRememberedMs = 1_200;

/** A dead registry is found out at once, one that is back by a probe within a few seconds. */
const noticedWithinMs = 15_000;

/** What the state of a registry's circuit means for the next Pod. */
const circuits: Readonly<Record<string, { readonly means: string; readonly tone: Tone }>> = {
  Closed: { means: 'it answers, Pods get what they ask for', tone: 'good' },
  Suspect: { means: 'something failed, Pods go elsewhere meanwhile', tone: 'changed' },
  Open: { means: 'it is down, and no Pod waits for it any more', tone: 'bad' },
  HalfOpen: { means: 'it is being tried, Pods go elsewhere meanwhile', tone: 'changed' },
};

const pendingNote =
  'All Pods here stay Pending: no scheduler and no kubelet runs. What counts is the image with ' +
  'which the API server stores them.';

/** Tells the story on the stage; answers how many things did not come out as told. */
export async function tell(page: Page, stage: Stage): Promise<number> {
  let problems = 0;
  await declare(page, stage);
  for (const [label, text] of meaning(stage)) page.detail(label, text);

  let done = page.step('All is well: two Pods');
  done();
  page.paragraph(pendingNote);
  problems += await show(page, stage, unchanged(stage, 'before'));
  problems += await tellCopies(page, stage);

  done = page.step(`The main registry, ${stage.main.host}, is stopped`);
  await stage.main.stop();
  // The operator shares what it has just learnt for a second; Pods come later than that in life.
  await delay(answersRememberedMs);
  done();

  done = page.step('The same Pods again, and one that nothing is declared for');
  done();
  problems += await show(page, stage, rerouted(stage, 'during'));
  problems += await registryState(page, stage, ['Suspect', 'Open', 'HalfOpen']);

  done = page.step('The main registry is back');
  await stage.main.start();
  done();
  problems += await registryState(page, stage, ['Closed']);
  problems += await show(page, stage, unchanged(stage, 'after'));
  problems += await tellMonitoring(page, stage);
  return problems + (await tellCleanup(page, stage));
}

async function show(page: Page, stage: Stage, stories: readonly PodStory[]): Promise<number> {
  let problems = 0;
  for (const story of stories) {
    const outcome = await createPod(stage.plane.admin, stage.namespace, story);
    describePod(page, story, outcome);
    problems += outcome.problems.length;
  }
  return problems;
}

function describePod(page: Page, story: PodStory, outcome: PodOutcome): void {
  const { image, by, reason, pullSecrets, admissionMs, warnings, problems } = outcome;
  page.detail('Pod', story.name);
  page.detail('  wants', story.image);
  if (image !== story.image) page.detail('  gets', image, 'changed');
  else page.detail('  gets', 'the same', story.isLost === true ? 'bad' : 'good');
  page.detail('  why', by === undefined ? (story.stays ?? 'nobody says') : `${reason}, by ${by}`);
  if (pullSecrets.length > 0) page.detail('  with', `the Secret ${pullSecrets.join(', ')}`);
  page.detail('  admitted', `in ${admissionMs.toFixed(1)} ms`);
  for (const warning of warnings) page.detail('  warning', warning);
  for (const problem of problems) page.detail('  NOT SO', problem, 'bad');
}

/** Waits until the actor of the main registry is in one of these states, and shows it. */
async function registryState(page: Page, stage: Stage, wanted: readonly string[]): Promise<number> {
  const id = `registry:${stage.main.host}`;
  let seen = 'not there';
  try {
    await untilReady(
      `${id} is ${wanted.join(' or ')}`,
      async () => {
        seen = await stateOf(stage, id);
        return wanted.includes(seen);
      },
      { withinMs: noticedWithinMs },
    );
    const { means, tone } = circuits[seen] ?? { means: '', tone: 'plain' };
    page.detail('circuit', `${id} is ${seen}: ${means}`, tone);
    return 0;
  } catch {
    page.detail('NOT SO', `expected ${id} to be ${wanted.join(' or ')}, it is ${seen}`, 'bad');
    return 1;
  }
}

/** The state of an actor's region that says whether its registry can be reached. */
async function stateOf(stage: Stage, id: string): Promise<string> {
  const url = `${stage.operator.debugUrl}/debug/actors/${encodeURIComponent(id)}`;
  const { state } = (await (await fetch(url)).json()) as { state?: readonly string[] };
  const leaves = (state ?? []).map((one) => one.split('.').at(-1) ?? one);
  return leaves.find((leaf) => leaf in circuits) ?? 'not there';
}

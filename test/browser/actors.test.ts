import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenPage, startBrowser, type TestBrowser } from '#test/support/browser/browser.ts';
import { type ManyActors, serveManyActors } from '#test/support/page/many-actors.ts';

/** The views of actors and machines, over a hundred thousand made-up actors. */
let browser: TestBrowser;
let served: ManyActors;

beforeAll(async () => {
  [browser, served] = await Promise.all([startBrowser(), serveManyActors(100_000)]);
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});

const open = async (fragment: string, theme: 'light' | 'dark' = 'light', width = 1_280) =>
  await browser.open(`${served.url}/debug/${fragment}`, { theme, width });

const rows = (opened: OpenPage) => opened.page.locator('table.actors tbody tr[data-index]');
const count = (opened: OpenPage) => opened.page.locator('.list-count');

/** From a key to what it finds, ms. */
const searchMsMax = 300;
/** From the address to the first row, ms. */
const paintMsMax = 1_000;
/** The filter waits so long for the next key of a word. */
const settleMs = 120;
/** Rows that are drawn: what is seen and a few more. */
const drawnMax = 60;

describe('a hundred thousand actors', () => {
  test('are there at once, and no more of them is drawn than can be seen', async () => {
    const opened = await open('#/overview');
    const startedMs = performance.now();
    await opened.page.goto(`${served.url}/debug/#/actors`);
    await rows(opened).first().locator('a').waitFor();
    expect(performance.now() - startedMs).toBeLessThan(paintMsMax);
    expect(await count(opened).textContent()).toMatch(/100,00\d actors/);
    expect(await rows(opened).count()).toBeLessThan(drawnMax);
    await opened.screenshot('actors');
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('are scrolled through from end to end, with the keyboard alone', async () => {
    const opened = await open('#/actors');
    await rows(opened).first().locator('a').waitFor();
    const list = opened.page.getByRole('region', { name: 'Actors with their states' });
    await list.focus();
    await opened.page.keyboard.press('End');
    await opened.page.getByText('app-99999:1').waitFor();
    expect(await rows(opened).count()).toBeLessThan(drawnMax);
    await opened.page.keyboard.press('PageUp');
    await opened.page.getByText('app-99980:1').waitFor();
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2));
    await rows(opened)
      .filter({ hasText: /app-(49|50)\d\d\d:1/ })
      .first()
      .waitFor();
    await list.focus();
    await opened.page.keyboard.press('Home');
    await opened.page.getByText('app-00000:1').waitFor();
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.press('Enter');
    await opened.page.locator('[data-view=actor]').waitFor();
    expect(opened.page.url()).toContain('#/actors/registry%3Aquay.io');
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('are searched as one types', async () => {
    const opened = await open('#/actors');
    await rows(opened).first().waitFor();
    const found = rows(opened).filter({ hasText: 'app-77777:1' });
    const startedMs = performance.now();
    await opened.page.getByLabel("Part of an actor's id").fill('app-77777:');
    await found.waitFor();
    expect(performance.now() - startedMs - settleMs).toBeLessThan(searchMsMax);
    expect(await rows(opened).count()).toBe(1);
    expect(opened.page.url()).toContain('q=app-77777');
    // The link that is in the address shows the same to somebody else.
    const shared = await browser.open(opened.page.url());
    await rows(shared).filter({ hasText: 'app-77777:1' }).waitFor();
    expect(await rows(shared).count()).toBe(1);
    await shared.close();
    await opened.close();
  });

  test('are filtered by type and by state, and are live', async () => {
    const opened = await open('#/actors');
    await opened.page.getByLabel('Type').selectOption('registry');
    await opened.page.getByText('1 actor', { exact: true }).first().waitFor();
    served.move('Closed', 'connection.failed', 'Suspect');
    await rows(opened).getByText('Suspect').waitFor();
    served.move('Suspect', 'request.answered', 'Closed');
    await rows(opened).getByText('Closed').waitFor();
    await opened.page.getByLabel('State', { exact: true }).fill('Suspect');
    await opened.page.keyboard.press('Enter');
    await opened.page.getByText('No actor is like that').waitFor();
    await opened.close();
  });
});

describe('one actor', () => {
  const fragment = '#/actors/registry%3Aquay.io';

  test('is shown with its machine, its state lit, and goes on as it changes', async () => {
    served.move('Closed', 'connection.failed', 'Suspect');
    const opened = await open(fragment);
    const lit = opened.page.locator('.machine .node.lit');
    await expect
      .poll(() => lit.allTextContents())
      .toContainEqual(expect.stringContaining('Suspect'));
    served.move('Suspect', 'xstate.done.actor.suspectPing', 'Open');
    await expect.poll(() => lit.allTextContents()).toContainEqual(expect.stringContaining('Open'));
    const taken = opened.page.locator('.machine .edge.taken');
    expect(await taken.getAttribute('data-from')).toBe('reachability_Suspect');
    await opened.screenshot('actor');
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('has a drawing that fits, with the lit state told from the others', async () => {
    const opened = await open('#/actors/registry%3Aquay.io');
    const { page } = opened;
    const lit = page.locator('.machine .node.lit > rect').first();
    await lit.waitFor();
    const strokeOf = async (selector: string) =>
      await page.evaluate(`getComputedStyle(document.querySelector('${selector}')).strokeWidth`);
    expect(await strokeOf('.node.lit > rect')).not.toBe(await strokeOf('.node:not(.lit) > rect'));
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBe(0);
    await opened.close();
  });

  test('is replayed step by step, with the keyboard alone', async () => {
    served.move('Closed', 'connection.failed', 'Suspect');
    served.move('Suspect', 'xstate.done.actor.suspectPing', 'Open');
    const opened = await open(fragment);
    await opened.page.getByRole('button', { name: 'Step back' }).focus();
    await opened.page.keyboard.press('Enter');
    await opened.page.keyboard.press('ArrowLeft');
    const lit = opened.page.locator('.machine .node.lit');
    const said = opened.page.locator('[data-part=step]');
    await expect
      .poll(() => lit.allTextContents())
      .toContainEqual(expect.stringContaining('Suspect'));
    expect(await said.textContent()).toContain('connection failed: reachability.Closed');
    await opened.page.keyboard.press('ArrowRight');
    await expect.poll(() => lit.allTextContents()).toContainEqual(expect.stringContaining('Open'));
    await opened.page.keyboard.press('ArrowRight');
    await expect.poll(() => said.textContent()).toBe('As it is now.');
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('is played again from the first transition that is remembered', async () => {
    const opened = await open(fragment);
    const said = opened.page.locator('[data-part=step]');
    await opened.page.getByRole('button', { name: 'Play' }).click();
    await expect.poll(() => said.textContent()).toMatch(/^1 of/);
    await expect.poll(() => said.textContent(), { timeout: 5_000 }).toMatch(/^2 of/);
    await opened.page.getByRole('button', { name: 'Stop' }).click();
    await opened.page.getByRole('button', { name: 'Now' }).click();
    await expect.poll(() => said.textContent()).toBe('As it is now.');
    await opened.close();
  });

  test('that is gone is said to be', async () => {
    const opened = await open('#/actors/registry%3Anobody');
    await opened.page.getByText('expected the id of a running actor').waitFor();
    await opened.close();
  });
});

test('an actor is chosen on its machine, with its state lit there as it changes', async () => {
  served.move('Open', 'request.answered', 'Closed');
  const opened = await open('#/machines/registry');
  const choice = opened.page.getByLabel('Light the state of an actor');
  await choice.fill('registry:quay.io');
  await choice.press('Enter');
  const lit = opened.page.locator('.machine .node.lit');
  await expect.poll(() => lit.allTextContents()).toContainEqual(expect.stringContaining('Closed'));
  expect(opened.page.url()).toContain('actor=registry');
  served.move('Closed', 'connection.failed', 'Suspect');
  await expect.poll(() => lit.allTextContents()).toContainEqual(expect.stringContaining('Suspect'));
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('every machine is drawn', async () => {
  const opened = await open('#/machines');
  await opened.page.locator('[data-view=machines] .machine-still svg').nth(8).waitFor();
  const links = opened.page.locator('[data-view=machines] h2 a');
  await links.first().waitFor();
  const names = await links.allTextContents();
  expect(names.length).toBeGreaterThan(7);
  for (const name of names) {
    await opened.page.goto(`${served.url}/debug/#/machines/${name}`);
    await opened.page.locator(`figure[data-machine="${name}"] svg .node`).first().waitFor();
  }
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

describe.each([
  ['light', 1_280],
  ['dark', 400],
] as const)('in the %s theme, %d pixels wide', (theme, width) => {
  test.each([
    ['actors', '#/actors'],
    ['actor', '#/actors/registry%3Aquay.io'],
    ['machines', '#/machines'],
    ['machine', '#/machines/mirrored-image'],
  ])('axe finds nothing on %s', async (name, fragment) => {
    const opened = await open(fragment, theme, width);
    await opened.page.locator('table a, .machine svg, .cards a').first().waitFor();
    expect(await opened.violations()).toEqual([]);
    await opened.screenshot(`${name}-${theme}`);
    await opened.close();
  });
});

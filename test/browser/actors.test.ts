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

const rows = (opened: OpenPage) => opened.page.locator('table.actors tbody tr');

/** From a key to what it finds, ms. */
const searchMsMax = 300;
/** From the address to the first row, ms. */
const paintMsMax = 1_000;
/** The filter waits so long for the next key of a word. */
const settleMs = 120;

describe('a hundred thousand actors', () => {
  test('are there at once, in pages of 200', async () => {
    const opened = await open('#/overview');
    const startedMs = performance.now();
    await opened.page.goto(`${served.url}/debug/#/actors`);
    await rows(opened).first().waitFor();
    expect(performance.now() - startedMs).toBeLessThan(paintMsMax);
    expect(await rows(opened).count()).toBe(200);
    await opened.page.getByText(/200 of 100,00\d actors/).waitFor();
    const first = await rows(opened).first().textContent();
    await opened.page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(() => rows(opened).first().textContent()).not.toBe(first);
    await opened.page.getByRole('button', { name: 'Previous page' }).click();
    await expect.poll(() => rows(opened).first().textContent()).toBe(first);
    await opened.screenshot('actors');
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

  test('are filtered by type and by state', async () => {
    const opened = await open('#/actors');
    await opened.page.getByLabel('Type').selectOption('registry');
    await opened.page.getByText(/1 of 1 actors/).waitFor();
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
    const opened = await open(fragment);
    await opened.page.getByRole('button', { name: 'Step back' }).focus();
    await opened.page.keyboard.press('Enter');
    await opened.page.keyboard.press('Enter');
    const lit = opened.page.locator('.machine .node.lit');
    await expect
      .poll(() => lit.allTextContents())
      .toContainEqual(expect.stringContaining('Suspect'));
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.press('Enter');
    await expect.poll(() => lit.allTextContents()).toContainEqual(expect.stringContaining('Open'));
    await opened.close();
  });

  test('that is gone is said to be', async () => {
    const opened = await open('#/actors/registry%3Anobody');
    await opened.page.getByText('expected the id of a running actor').waitFor();
    await opened.close();
  });
});

test('every machine is drawn', async () => {
  const opened = await open('#/machines');
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

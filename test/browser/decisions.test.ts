import { expect, test } from 'vitest';
import { madeUpDecisions, madeUpReview } from '#test/support/page/made-up-answers.ts';
import { looks, pageStage } from '#test/support/page/page-stage.ts';

/** The stream of what is decided. */
const stage = pageStage();

test.each(looks)('$theme at $width px breaks no rule of accessibility and fits', async (look) => {
  const opened = await stage.open('#/decisions', look);
  await opened.page.locator('.decision summary').nth(1).click();
  await opened.page.getByRole('link', { name: 'What would it get today?' }).waitFor();
  expect(await opened.violations()).toEqual([]);
  expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
  await opened.screenshot(`decisions-${look.theme}-${look.width}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('a decision is there as soon as it is made, unless the stream is paused', async () => {
  const { page, close } = await stage.open('#/decisions');
  const rows = page.locator('.decision');
  await page.locator('.toolbar').getByText('Live', { exact: true }).waitFor();
  await expect.poll(() => rows.count()).toBe(60);
  stage.operator().tell('decision', madeUpReview(61, -0.1));
  await rows.first().getByText('cart-7d9f-61').waitFor();
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  stage.operator().tell('decision', madeUpReview(62, -0.2));
  await page.getByText('1 new').waitFor();
  expect(await rows.first().textContent()).toContain('cart-7d9f-61');
  await page.getByRole('button', { name: 'Go on' }).press('Enter');
  await rows.first().getByText('cart-7d9f-62').waitFor();
  await close();
});

test('one viewer too many for the stream asks instead, and sees the same', async () => {
  const { answers } = stage.operator();
  answers.set('/debug/events', { error: 'expected at most 32 viewers at once' });
  const { page, close } = await stage.open('#/decisions');
  await page.getByText('Asked for', { exact: true }).waitFor();
  answers.set('/debug/decisions', { ...madeUpDecisions, decisions: [madeUpReview(70, -1)] });
  await page.locator('.decision').getByText('cart-7d9f-70').waitFor();
  answers.delete('/debug/events');
  answers.set('/debug/decisions', madeUpDecisions);
  await close();
});

test('a decision that is opened by keyboard shows who was asked, and what each answered', async () => {
  const { page, close } = await stage.open('#/decisions');
  await page.locator('.decision summary', { hasText: 'cart-7d9f-59' }).focus();
  await page.keyboard.press('Enter');
  const table = page.getByRole('table', { name: 'Candidates of app, in order' });
  const cells = await table.locator('tbody tr').allTextContents();
  expect(cells.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
    expect.stringMatching(/docker\.io\/library\/redis:7\.2 ?Set aside.*the Pod itself/),
    expect.stringMatching(/mirror\.example\.com.*Available.*ClusterImageSetMirror\/all-to-mirror/),
  ]);
  await close();
});

test('it is filtered by text and by what came of it', async () => {
  const { page, close } = await stage.open('#/decisions');
  const rows = page.locator('.decision');
  await rows.first().waitFor();
  const all = await rows.count();
  await page.getByRole('button', { name: 'Rerouted' }).click();
  await expect.poll(() => rows.count()).toBeLessThan(all);
  expect(await page.locator('.decision[data-outcome=kept]').count()).toBe(0);
  const asked = page.waitForRequest((request) => request.url().includes('q=billing'));
  await page.getByLabel('Filter decisions by Pod, image or resource').fill('billing');
  await asked;
  expect(page.url()).toMatch(/#\/decisions\?.*q=billing/);
  await close();
});

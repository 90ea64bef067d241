import { expect, test } from 'vitest';
import { madeUpOverview } from '#test/support/page/made-up-answers.ts';
import { looks, pageStage } from '#test/support/page/page-stage.ts';

/** What needs attention first. */
const stage = pageStage();

test.each(looks)('$theme at $width px breaks no rule of accessibility and fits', async (look) => {
  const opened = await stage.open('#/overview', look);
  await opened.page.getByRole('link', { name: 'docker.io does not answer' }).waitFor();
  expect(await opened.violations()).toEqual([]);
  expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
  await opened.screenshot(`overview-${look.theme}-${look.width}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('says first what needs attention, why, since when, and leads on', async () => {
  const { page, close } = await stage.open('#/overview');
  await page.getByText('4 things need attention. 5 registries are known. kuik-0 leads.').waitFor();
  const [first] = await page.locator('[data-part=attention] li').all();
  expect(await first?.textContent()).toMatch(
    /Error.*docker\.io does not answer.*214 Pods run from it.*for 12 min/s,
  );
  await first?.getByRole('link').click();
  await page.getByRole('heading', { name: 'What if a registry died now?' }).waitFor();
  expect(page.url()).toContain('registry=docker.io');
  await close();
});

test('shows of each registry its circuit, quota, pace, Pods and the last hour', async () => {
  const { page, close } = await stage.open('#/overview');
  const row = page.locator('[data-registry="quay.io"]');
  expect((await row.textContent())?.replaceAll(/\s+/g, ' ')).toMatch(
    /quay\.io ?Closed.*88 ?Throttled ?until .*Held.*half within \d+ ms, 95 % within \d+ ms/,
  );
  const chart = page.locator('[data-registry="docker.io"] svg[role=img]');
  expect(await chart.getAttribute('aria-label')).toMatch(
    /^Last hour: \d+ questions, \d+ without an answer, the slowest 20\.0 s$/,
  );
  await close();
});

test('is filtered by text, and the filter is in the link', async () => {
  const { page, close } = await stage.open('#/overview');
  await page.getByLabel('Filter the overview by text').fill('QUAY.io');
  await expect.poll(() => page.locator('[data-part=attention] li').count()).toBe(1);
  expect(await page.locator('[data-registry]').count()).toBe(1);
  expect(page.url()).toContain('#/overview?q=QUAY.io');
  await page.getByLabel('Filter the overview by text').fill('nothing like it');
  await page.getByText('Nothing of it has that text').first().waitFor();
  await close();
});

test('goes on as the operator does, and says when an answer is none', async () => {
  const { page, close } = await stage.open('#/overview');
  const { answers } = stage.operator();
  await page.getByRole('link', { name: 'docker.io does not answer' }).waitFor();
  answers.set('/debug/overview', { ...madeUpOverview, attention: [], attentionTotal: 0 });
  await page.getByText('Registries answer, images are there').waitFor();
  answers.delete('/debug/overview');
  await page.getByText('This is not current:').waitFor();
  answers.set('/debug/overview', madeUpOverview);
  await page.getByText('This is not current:').waitFor({ state: 'detached' });
  await close();
});

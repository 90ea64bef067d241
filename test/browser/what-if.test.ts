import { expect, test } from 'vitest';
import { looks, pageStage } from '#test/support/page/page-stage.ts';

/** Registries that are switched off on the page alone. */
const stage = pageStage();

test.each(looks)('$theme at $width px breaks no rule of accessibility and fits', async (look) => {
  const opened = await stage.open('#/what-if?registry=docker.io', look);
  await opened.page.getByRole('heading', { name: 'Could not start' }).waitFor();
  expect(await opened.violations()).toEqual([]);
  expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
  await opened.screenshot(`what-if-${look.theme}-${look.width}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('a switch that is moved by keyboard asks what would move and what could not start', async () => {
  const { page, close } = await stage.open('#/what-if');
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/debug/what-if')) asked.push(new URL(request.url()).search);
    // Whatever is switched off here, nothing is told to change.
    expect(request.method()).toBe('GET');
  });
  await page.getByRole('switch', { name: 'docker.io' }).focus();
  await page.keyboard.press('Space');
  const stranded = page.locator('[data-part=stranded]');
  await stranded.getByText('shop/agent').waitFor();
  await stranded.getByText('No candidate is available').waitFor();
  await page.locator('[data-part=moving]').getByText('mirror.example.com/library/redis').waitFor();
  await page.getByText('41', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'docker.io Off · 214 Pods' }).waitFor();
  expect(asked).toEqual(['?registry=docker.io']);
  await page.getByRole('status').filter({ hasText: '1 workload could not start' }).waitFor();
  await page.getByRole('switch', { name: 'quay.io' }).press('Space');
  await expect.poll(() => asked.at(-1)).toBe('?registry=docker.io%2Cquay.io');
  expect(page.url()).toContain('#/what-if?registry=docker.io,quay.io');
  await close();
});

test('workloads are filtered by text, and a link shares all of it', async () => {
  const { page, close } = await stage.open('#/what-if?registry=docker.io&q=postgres');
  await page.locator('[data-part=moving]').getByText('shop/db').waitFor();
  expect(await page.locator('[data-part=stranded]').count()).toBe(0);
  expect(await page.getByText('shop/cart-7d9f').count()).toBe(0);
  await close();
});

import { expect, test } from 'vitest';
import { madeUpTimeline } from '#test/support/page/made-up-answers.ts';
import { looks, pageStage } from '#test/support/page/page-stage.ts';

/** The last hour, as it happens and played again. */
const stage = pageStage();

test.each(looks)('$theme at $width px breaks no rule of accessibility and fits', async (look) => {
  const opened = await stage.open('#/outage', look);
  await opened.page.locator('.admission-chart canvas').waitFor();
  await opened.page.getByText('The same as tables').click();
  await opened.page.getByRole('table', { name: 'Changes of circuits, the newest first' }).waitFor();
  expect(await opened.violations()).toEqual([]);
  expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
  await opened.screenshot(`outage-${look.theme}-${look.width}`);
  expect(opened.problems()).toEqual([]);
  await opened.close();
});

test('the slider shows circuits, map and Pods as they were then', async () => {
  const { page, close } = await stage.open('#/outage');
  const lane = page.locator('.lane[data-registry="docker.io"]');
  await lane.getByText('Open', { exact: true }).waitFor();
  await page.getByText('In trouble now: docker.io, ghcr.io.').waitFor();
  await page.getByText('90 containers').waitFor();
  const slider = page.getByRole('slider', { name: 'Time that is shown' });
  await slider.focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => page.url()).toMatch(/#\/outage\?at=\d{4}-\d\d-\d\dT/);
  await page.getByText('Replay', { exact: true }).waitFor();
  await slider.fill('600');
  await lane.getByText('Closed', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'docker.io Closed · 214 Pods' }).waitFor();
  await page.getByText('No Pod got anything else').waitFor();
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^\d\d:\d\d:\d\d, 50 min ago$/);
  await page.getByRole('button', { name: 'Back to now' }).click();
  await lane.getByText('Open', { exact: true }).waitFor();
  await close();
});

test('a link to a time that is not remembered any more says so, and shows no other as that', async () => {
  const { page, close } = await stage.open('#/outage?at=2020-01-01T03:10:00Z');
  await page.getByText('is not remembered any more').waitFor();
  const slider = page.getByRole('slider', { name: 'Time that is shown' });
  expect(await slider.getAttribute('aria-valuetext')).toMatch(
    /^\d\d:\d\d:\d\d, (1 h|60 min|59 min) ago$/,
  );
  await page.getByRole('button', { name: 'Back to now' }).click();
  await expect.poll(() => page.getByText('is not remembered any more').count()).toBe(0);
  await close();
});

test('a link to a time that is yet to come shows what is now', async () => {
  const { page, close } = await stage.open('#/outage?at=2999-01-01T00:00:00Z');
  const slider = page.getByRole('slider', { name: 'Time that is shown' });
  await slider.waitFor();
  expect(await slider.getAttribute('aria-valuetext')).toBe('now');
  await close();
});

test('playing begins before the outage and comes to it', async () => {
  const { page, close } = await stage.open('#/outage');
  const lane = page.locator('.lane[data-registry="docker.io"]');
  await page.getByRole('button', { name: 'Play' }).press('Enter');
  await lane.getByText('Closed', { exact: true }).waitFor();
  await lane.getByText('Open', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).press('Enter');
  await close();
});

/** A timeline that is only asked for again and again would be seen after a quarter of a minute. */
const newsWithinMs = 10_000;

test('what happens is seen within seconds, without asking again and again', async () => {
  const { page, close } = await stage.open('#/outage');
  const { answers, tell } = stage.operator();
  await page.locator('.replay').getByText('Live', { exact: true }).waitFor();
  let asked = 0;
  answers.set('/debug/timeline', () => {
    asked += 1;
    const at = new Date().toISOString();
    const registries = madeUpTimeline.registries.map((registry) =>
      registry.host === 'quay.io'
        ? {
            ...registry,
            circuit: 'Open',
            changes: [{ at, from: 'Closed', to: 'Open', reason: '' }],
          }
        : registry,
    );
    return { ...madeUpTimeline, to: at, registries };
  });
  for (let news = 0; news < 20; news += 1) {
    tell('registry', { host: 'quay.io', at: '', from: 'Closed', to: 'Open', event: '' });
  }
  await page
    .locator('.lane[data-registry="quay.io"]')
    .getByText('Open', { exact: true })
    .waitFor({ timeout: newsWithinMs });
  expect(asked).toBeLessThan(3);
  await close();
});

test('what happens just after the stream has opened is seen, though the first answer came later', async () => {
  const { answers, tell } = stage.operator();
  answers.set('/debug/timeline', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return madeUpTimeline;
  });
  const { page, close } = await stage.open('#/outage');
  await page.locator('.replay').getByText('Live', { exact: true }).waitFor();
  const registries = madeUpTimeline.registries.map((registry) =>
    registry.host === 'quay.io' ? { ...registry, circuit: 'Open', changes: [] } : registry,
  );
  answers.set('/debug/timeline', { ...madeUpTimeline, registries });
  tell('registry', { host: 'quay.io', at: '', from: 'Closed', to: 'Open', event: '' });
  await page
    .locator('.lane[data-registry="quay.io"]')
    .getByText('Open', { exact: true })
    .waitFor({ timeout: newsWithinMs });
  await close();
});

test('what happens while it is asked is seen, too, though the answer is from before', async () => {
  const { page, close } = await stage.open('#/outage');
  const { answers, tell } = stage.operator();
  await page.locator('.replay').getByText('Live', { exact: true }).waitFor();
  // What the beginning of the stream has it ask is over by then.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  let asked = 0;
  const registries = madeUpTimeline.registries.map((registry) =>
    registry.host === 'quay.io' ? { ...registry, circuit: 'Open', changes: [] } : registry,
  );
  answers.set('/debug/timeline', async () => {
    asked += 1;
    if (asked > 1) return { ...madeUpTimeline, registries };
    tell('registry', { host: 'quay.io', at: '', from: 'Closed', to: 'Open', event: '' });
    // Longer than the page waits from the news to its question.
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    return madeUpTimeline;
  });
  tell('registry', { host: 'quay.io', at: '', from: 'Closed', to: 'Suspect', event: '' });
  await page
    .locator('.lane[data-registry="quay.io"]')
    .getByText('Open', { exact: true })
    .waitFor({ timeout: 8_000 });
  await close();
});

import { expect, test } from 'vitest';
import { startBrowser } from '#test/support/browser/browser.ts';
import { madeUpAnswers } from '#test/support/page/made-up-answers.ts';
import { startMadeUpOperator } from '#test/support/page/made-up-operator.ts';
import { pageStage } from '#test/support/page/page-stage.ts';

/** What stands around every view. */
const stage = pageStage();

const views = [
  ['Overview', 'Overview'],
  ['Map', 'Map'],
  ['Outage', 'Outage'],
  ['Decisions', 'Decisions'],
  ['What if', 'What if a registry died now?'],
] as const;

test('whoever has only a keyboard gets everywhere', async () => {
  const { page, close, problems } = await stage.open('#/overview');
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.locator(':focus').getAttribute('id')).toBe('content');
  for (const [name, title] of views.slice(1)) {
    await page.getByRole('link', { name, exact: true }).focus();
    await page.keyboard.press('Enter');
    // The heading of where the link led has the focus, and is what the window is called.
    await page.locator('h1:focus', { hasText: title }).waitFor();
    expect(await page.title()).toBe(`${title} · kuik`);
    const current = page.locator('nav [aria-current=page]');
    expect((await current.textContent())?.trim()).toBe(name);
  }
  await page.goBack();
  await page.locator('h1:focus', { hasText: 'Decisions' }).waitFor();
  expect(problems()).toEqual([]);
  await close();
});

test('a theme that was chosen stays chosen, whatever the system has', async () => {
  const { page, close } = await stage.open('#/map', { theme: 'light' });
  const background = () =>
    page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  const light = await background();
  await page.getByRole('button', { name: 'Dark' }).click();
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.locator('main h1').waitFor();
  expect(await background()).toBe(dark);
  expect(await page.getByRole('button', { name: 'Dark' }).getAttribute('aria-pressed')).toBe(
    'true',
  );
  await page.getByRole('button', { name: 'Auto' }).click();
  expect(await background()).toBe(light);
  await close();
});

test('the page says whose view it is, and leads to the same as another replica sees it', async () => {
  const replicas = 'kuik-0@8082,kuik-1@8083,not a name@1,kuik-2@99999';
  const { page, close } = await stage.open(
    `#/map?registry=docker.io&replicas=${encodeURIComponent(replicas)}`,
  );
  const whose = page.locator('[data-whose=kuik-0]');
  await whose.waitFor();
  // What is in the link is kept for this tab, and is not in the address that one shares.
  expect(new URL(page.url()).hash).toBe('#/map?registry=docker.io');
  const links = await whose.getByRole('link').evaluateAll((all) => all.map(String));
  expect(links).toEqual([
    'http://127.0.0.1:8083/debug/#/map?registry=docker.io&replicas=kuik-0%408082,kuik-1%408083',
  ]);
  await page.reload();
  await whose.getByRole('link', { name: 'kuik-1' }).waitFor();
  await close();
});

test('another replica is a link away, with what was looked at', async () => {
  const other = await startMadeUpOperator(madeUpAnswers, 'kuik-1');
  const ports = [stage.operator().url, other.url].map((url) => new URL(url).port);
  const browser = await startBrowser();
  const { page } = await browser.open(
    `${stage.operator().url}#/map?q=quay&replicas=kuik-0@${ports[0]},kuik-1@${ports[1]}`,
  );
  // The one request to elsewhere that is right: a person follows the link.
  await page.context().unrouteAll();
  await page.getByRole('link', { name: 'kuik-1' }).click();
  await page.locator('[data-whose=kuik-1]').getByRole('link', { name: 'kuik-0' }).waitFor();
  await page.locator('[data-host="quay.io"]').waitFor();
  expect(page.url()).toBe(`${other.url}#/map?q=quay`);
  await browser.close();
  await other.close();
});

test('what is written into a link is what is read from it', async () => {
  const { page, close } = await stage.open('#/overview');
  const routes = [
    { view: 'actors', path: ['tracked-image:a/quay.io/team/app:1@sha256:0'], query: {} },
    {
      view: 'pods',
      path: ['shop', 'cart?#%&='],
      query: { q: 'a b+c&d=e#f%2C', namespace: 'ä,ö/ü' },
    },
    { view: 'what-if', path: [], query: { registry: 'docker.io,registry.example.com:5000' } },
  ];
  const read = await page.evaluate(`
    import(new URL('page/router.js', document.baseURI)).then(({ parseRoute, routeTo }) =>
      ${JSON.stringify(routes)}.map(({ view, path, query }) =>
        parseRoute(routeTo(view, path, query))))`);
  expect(read).toEqual(routes);
  await close();
});

test('an address that leads nowhere says so', async () => {
  const { page, close, problems } = await stage.open('#/nowhere/%E0%A4%A');
  await page.getByRole('heading', { name: 'There is no such view' }).waitFor();
  await page.getByRole('link', { name: 'Go to the overview.' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(problems()).toEqual([]);
  await close();
});

test.each([
  ['#/actors/..', 'Actors'],
  ['#/pods/./..', 'Pods'],
  ['#/pods/%2e%2e/%2e', 'Pods'],
  ['#/machines/..', 'Machines'],
])('%s leads to no other path of the operator', async (fragment, title) => {
  const { page, close, problems } = await stage.open(fragment);
  await page.getByRole('heading', { name: title, exact: true }).waitFor();
  expect(await page.getByText('This view broke').count()).toBe(0);
  expect(problems().filter((problem) => /TypeError/.test(problem))).toEqual([]);
  await close();
});

test.each([
  ['#/', 'There is no such view'],
  ['#/pods/shop/', 'shop/'],
  ['#/actors/', 'aaa'],
])(
  'however long what stands in %s is, the page is no wider than its window',
  async (start, title) => {
    const { page, close } = await stage.open(`${start}${'a'.repeat(20_000)}`);
    await page.getByRole('heading', { name: title }).waitFor();
    await page.waitForTimeout(300);
    expect(await page.evaluate('document.documentElement.scrollWidth === innerWidth')).toBe(true);
    await close();
  },
);

test('an actor that was never there is said to have no answer, not an old one', async () => {
  const { page, close } = await stage.open('#/actors/nobody');
  await page.getByText('There is no answer:').waitFor();
  await close();
});

test('what has lasted for less than a second has lasted for 0 s', async () => {
  const { page, close } = await stage.open('#/overview');
  const { describeAgo, describeDuration } = await page.evaluate<{
    describeAgo: readonly string[];
    describeDuration: readonly string[];
  }>(`import(new URL('page/parts/time-ago.js', document.baseURI)).then((module) => ({
    describeAgo: [-5, 999, 1_000].map((ms) => module.describeAgo(ms)),
    describeDuration: [-5, 999, 1_000].map((ms) => module.describeDuration(ms)),
  }))`);
  expect(describeAgo).toEqual(['now', 'now', '1 s ago']);
  expect(describeDuration).toEqual(['0 s', '0 s', '1 s']);
  await close();
});

test('an operator that is gone is told of, once, and what was known stays', async () => {
  const browser = await startBrowser();
  const operator = await startMadeUpOperator(madeUpAnswers);
  const { page } = await browser.open(`${operator.url}#/overview`);
  await page.getByRole('link', { name: 'docker.io does not answer' }).waitFor();
  await operator.close();
  await page.getByText('kuik-0 does not answer.').waitFor();
  await page.getByText('No answer', { exact: true }).waitFor();
  const said = page.getByRole('status').filter({ hasText: 'The operator does not answer.' });
  await said.waitFor();
  await page.getByRole('link', { name: 'docker.io does not answer' }).waitFor();
  await browser.close();
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser, type TestBrowser } from '#test/support/browser/browser.ts';
import { type MadeUpOperator, startMadeUpOperator } from '#test/support/page/made-up-operator.ts';
import { madeUpPods, madeUpRoute, madeUpStory } from '#test/support/page/made-up-pods.ts';
import { looks } from '#test/support/page/page-stage.ts';

/** The views of what a Pod gets, over made-up answers. */
let browser: TestBrowser;
let operator: MadeUpOperator;
const asked: unknown[] = [];

beforeAll(async () => {
  [browser, operator] = await Promise.all([
    startBrowser(),
    startMadeUpOperator({
      '/debug/pods': madeUpPods(20_000),
      '/debug/pods/shop/cart-7d9f-1': madeUpStory,
      '/debug/route': (request) => {
        asked.push(request.query);
        return madeUpRoute;
      },
    }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await operator?.close();
});

const open = async (fragment: string, theme: 'light' | 'dark' = 'light', width = 1_280) =>
  await browser.open(`${operator.url}${fragment}`, { theme, width });

const shared = '#/route?image=docker.io/library/redis:7.2&namespace=shop&labels=app=cart';

describe('a route', () => {
  test('is asked with the keyboard alone, and its address is a link to the same answer', async () => {
    const opened = await open('#/route');
    await opened.page.getByLabel('Image').focus();
    await opened.page.keyboard.type('docker.io/library/redis:7.2');
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.type('shop');
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.type('app=cart');
    await opened.page.keyboard.press('Enter');
    const winner = opened.page.locator('.candidates tr[data-winner=true]');
    await winner.getByText('mirror.example.com/library/redis:7.2').waitFor();
    const query = { image: 'docker.io/library/redis:7.2', namespace: 'shop', labels: 'app=cart' };
    expect(asked.at(-1)).toEqual({ ...query, policy: 'IfNotPresent' });
    const copy = await open(new URL(opened.page.url()).hash);
    await copy.page.getByText('Original unreachable').waitFor();
    expect(asked.at(-1)).toEqual({ ...query, policy: 'IfNotPresent' });
    await copy.close();
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('has its candidates in order, with what each answers and after how long', async () => {
    const opened = await open(shared);
    const candidates = opened.page.locator('.candidates tbody tr');
    await candidates.first().waitFor();
    const texts = (await candidates.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
    expect(texts).toEqual([
      expect.stringMatching(/^1 docker.io\/library\/redis:7.2.*Set aside nothing was sent/),
      expect.stringMatching(/^2 ghcr.io\/mirror\/redis:7.2.*Not found 34 ms Repl.*by the filter/),
      expect.stringMatching(/^3 mirror.example.com.*taken.*mirror-credentials.*Available 21 ms/),
      expect.stringMatching(/^4 quay.io\/copies\/redis:7.2.*Not asked nothing was sent/),
    ]);
    await opened.page.getByText('Its namespace is billing').waitFor();
    await opened.close();
  });

  test('is asked again on demand, and what is refused is said', async () => {
    const opened = await open(shared);
    await opened.page.locator('.candidates').waitFor();
    const before = asked.length;
    await opened.page.getByRole('button', { name: 'Ask again' }).click();
    await expect.poll(() => asked.length).toBe(before + 1);
    await opened.page.route('**/debug/route?*', async (route) => {
      const body = JSON.stringify({ error: 'expected an image' });
      await route.fulfill({ status: 400, contentType: 'application/json', body });
    });
    await opened.page.getByLabel('Image').fill('Nonsense:');
    await opened.page.getByRole('button', { name: 'Ask', exact: true }).click();
    await opened.page.getByText('expected an image').waitFor();
    await opened.close();
  });
});

describe('Pods', () => {
  const rows = 'table.pods tbody tr[data-index]';

  test('are searched among twenty thousand, and lead to their story', async () => {
    const opened = await open('#/pods');
    await opened.page.getByText('20,000 Pods').first().waitFor();
    // Rows of several lines are higher than was supposed: the list stays at its beginning.
    await opened.page.locator(rows).first().getByText('cart-7d9f-00000').waitFor();
    expect(await opened.page.locator('.long-list').evaluate(({ scrollTop }) => scrollTop)).toBe(0);
    await opened.page.getByLabel('A part of namespace/name').fill('shop/cart-7d9f-00001');
    await opened.page.getByText('1 Pod', { exact: true }).first().waitFor();
    const row = opened.page.locator(rows);
    expect(await row.textContent()).toContain('Rewritten');
    expect(await row.getByRole('link').getAttribute('href')).toBe('#/pods/shop/cart-7d9f-00001');
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('tell their story: wanted, asked, answered, got, and what they would get today', async () => {
    const opened = await open('#/pods/shop/cart-7d9f-1');
    const story = opened.page.locator('[data-container=app] .story-step');
    await story.first().waitFor();
    const texts = (await story.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
    expect(texts).toEqual([
      expect.stringMatching(/^Wanted docker.io\/library\/redis:7.2/),
      expect.stringMatching(/^Asked and answered.*It got mirror.example.com.*Set aside/),
      expect.stringMatching(/^Got mirror.example.com.*Original unreachable, by ClusterImageSet/),
      expect.stringMatching(/^Would get today The same as it runs/),
    ]);
    const forgotten = opened.page.locator('[data-container="init:migrate"]');
    await forgotten.getByText('kuik-0 does not remember its admission').waitFor();
    await opened.page.getByText('What each candidate answers now').click();
    await opened.page.getByRole('link', { name: 'Ask about another Pod' }).click();
    await opened.page.locator('[data-view=route] .candidates').waitFor();
    expect(opened.problems()).toEqual([]);
    await opened.close();
  });

  test('that are gone are said to be', async () => {
    const opened = await open('#/pods/shop/nobody');
    await opened.page.getByText('There is no answer:').waitFor();
    await opened.close();
  });
});

test.each(
  looks.flatMap((look) => [
    ['route', shared, '.candidates', look] as const,
    ['pods', '#/pods', 'table.pods a', look] as const,
    ['pod', '#/pods/shop/cart-7d9f-1', '.candidates', look] as const,
  ]),
)('axe finds nothing on %s', async (name, fragment, shown, { theme, width }) => {
  const opened = await open(fragment, theme, width);
  await opened.page.locator(shown).first().waitFor();
  expect(await opened.violations()).toEqual([]);
  await opened.screenshot(`${name}-${theme}-${width}`);
  await opened.close();
});

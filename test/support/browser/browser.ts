import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireChromium } from '#test/support/binaries/chromium.ts';

/** Pages of a headless Chromium, and what went wrong in them. */
export interface TestBrowser {
  /** A page of its own profile; what it asks of other origins is refused and remembered. */
  readonly open: (url: string, options?: OpenOptions) => Promise<OpenPage>;
  readonly close: () => Promise<void>;
}

/** How a person's browser is set up. */
export interface OpenOptions {
  readonly theme?: 'light' | 'dark';
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Origins beside the page's own that may be asked: what it frames, and nothing else. */
  readonly origins?: readonly string[];
}

/** One page that is open. */
export interface OpenPage {
  readonly page: Page;
  /** Errors of scripts and of the console, requests that failed, requests to elsewhere: none is right. */
  readonly problems: () => readonly string[];
  /** What axe-core finds, a line each. */
  readonly violations: () => Promise<readonly string[]>;
  /** Written for people to look at: `screenshots/<name>.png`. */
  readonly screenshot: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where screenshots are. */
export const screenshotDirectory = join(import.meta.dirname, '..', '..', '..', 'screenshots');

/** Nobody looks at more, and to draw it takes longer than a test may; pixels. */
const screenshotHeightMax = 4_000;
/** A loaded machine starts it in seconds. */
const startTimeoutMs = 60_000;
const stepTimeoutMs = 15_000;

/** Starts a browser; whoever starts it closes it. */
export async function startBrowser(): Promise<TestBrowser> {
  mkdirSync(screenshotDirectory, { recursive: true });
  const browser = await chromium.launch({
    executablePath: requireChromium(process.env),
    // Chromium has no sandbox for root.
    args: ['--no-sandbox'],
    timeout: startTimeoutMs,
  });
  return {
    open: async (url, options = {}) => await openPage(browser, url, options),
    close: async () => await browser.close(),
  };
}

async function openPage(
  browser: Browser,
  url: string,
  { theme = 'light', width = 1_280, height = 900, origins = [] }: OpenOptions,
): Promise<OpenPage> {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height } });
  context.setDefaultTimeout(stepTimeoutMs);
  const problems: string[] = [];
  await refuseElsewhere(context, [new URL(url).origin, ...origins], problems);
  const page = await context.newPage();
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return {
    page,
    problems: () => problems,
    violations: async () => await findViolations(page),
    screenshot: async (name) => {
      const height = await page.evaluate('document.documentElement.scrollHeight');
      const fullPage = Number(height) <= screenshotHeightMax;
      await page.screenshot({ path: join(screenshotDirectory, `${name}.png`), fullPage });
    },
    close: async () => await context.close(),
  };
}

async function refuseElsewhere(
  context: BrowserContext,
  origins: readonly string[],
  problems: string[],
): Promise<void> {
  await context.route(
    (asked) => !origins.includes(asked.origin) && asked.protocol.startsWith('http'),
    async (route) => {
      problems.push(`asked elsewhere: ${route.request().url()}`);
      await route.abort();
    },
  );
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

async function findViolations(page: Page): Promise<readonly string[]> {
  // What is evaluated is not bound by the page's own policy.
  await page.evaluate(axeSource);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, target }) => `${id}: ${help}: ${target.join(' ')}: ${html.slice(0, 200)}`),
  );
}

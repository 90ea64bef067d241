import { afterAll, beforeAll } from 'vitest';
import {
  type OpenOptions,
  type OpenPage,
  startBrowser,
  type TestBrowser,
} from '#test/support/browser/browser.ts';
import { madeUpAnswers } from './made-up-answers.ts';
import { type MadeUpOperator, startMadeUpOperator } from './made-up-operator.ts';

/** The page in a browser, in front of made-up answers. */
export interface PageStage {
  /** At a fragment; waits until its heading is there. */
  readonly open: (fragment: string, options?: OpenOptions) => Promise<OpenPage>;
  readonly operator: () => MadeUpOperator;
}

/** One browser and one operator for all tests of a file. */
export function pageStage(): PageStage {
  let browser: TestBrowser;
  let operator: MadeUpOperator;
  beforeAll(async () => {
    [browser, operator] = await Promise.all([startBrowser(), startMadeUpOperator(madeUpAnswers)]);
  });
  afterAll(async () => {
    await browser?.close();
    await operator?.close();
  });
  return {
    open: async (fragment, options) => {
      const opened = await browser.open(`${operator.url}${fragment}`, options);
      await opened.page.locator('main h1').waitFor();
      return opened;
    },
    operator: () => operator,
  };
}

/** Both themes, and the screens that the page is made for. */
export const looks = [
  { theme: 'light', width: 1_280 },
  { theme: 'dark', width: 1_280 },
  { theme: 'light', width: 400 },
] as const;

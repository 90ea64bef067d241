import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { findBinary } from '#test/support/binaries/binaries.ts';

/** Series with what they were at each scrape; times in ms. */
export interface ScrapedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [atMs: number, value: number])[];
}

/** One expression as Prometheus understands it, and what it came to. */
export interface ExpressionAnswer {
  readonly expression: string;
  readonly error?: string;
  /** Each metric it names, with the label names that it asks for there. */
  readonly selectors: readonly {
    readonly metric: string;
    readonly labels: readonly string[];
    /** Whether any series has the label values that it names. */
    readonly matches: boolean;
  }[];
  readonly results: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** `NaN` where there was nothing to compute it from. */
    readonly value: string;
  }[];
}

/** Evaluates expressions with Prometheus' own engine. */
export async function evaluate(
  series: readonly ScrapedSeries[],
  expressions: readonly string[],
  atMs: number,
): Promise<readonly ExpressionAnswer[]> {
  const request = JSON.stringify({ series, expressions, at: atMs });
  return JSON.parse(await runPromql(['query'], request)) as readonly ExpressionAnswer[];
}

/** Runs `test/promql`; throws with what it says when it fails. */
export async function runPromql(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(await findBinary('promql'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`promql ${args.join(' ')} ended with ${code}:\n${errors}`);
  return output;
}

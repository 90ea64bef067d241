import { Option } from 'commander';
import { fail, type Result, succeed } from '#core/result.ts';
import { messageOf, type OperatorEndpoint, parseEndpoint } from './operator-answer.ts';

/** Where the metrics endpoint of an operator is, unless told. */
export const metricsPort = 8080;

const flag = '--metrics-url';
const answerTimeoutMs = 10_000;

/** The flag of all commands that ask the metrics endpoint. */
export function metricsUrlOption(): Option {
  return new Option(`${flag} <url>`, 'metrics endpoint of the operator')
    .default(`http://127.0.0.1:${metricsPort}`)
    .env('KUIK_METRICS_URL')
    .argParser(parseEndpoint);
}

/** What is asked there with `askOperator`. */
export function metricsEndpoint(url: string): OperatorEndpoint {
  return { url, flag, port: metricsPort };
}

/** `/metrics` as it stands; the error is for a person. */
export async function readMetrics(base: string): Promise<Result<string, string>> {
  try {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const answer = await fetch(new URL('/metrics', base), { signal });
    if (answer.status !== 200) return fail(`${base} (${flag}) answered ${answer.status}`);
    return succeed(await answer.text());
  } catch (error) {
    return fail(`${base} (${flag}): ${messageOf(error)}`);
  }
}

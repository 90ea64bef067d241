import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary } from '#test/support/binaries/binaries.ts';
import type { KubeObject } from './api.ts';
import { parseManifests } from './rendered-rights.ts';

/** The folder of the chart. */
export const chartFolder = join(import.meta.dirname, '..', '..', '..', 'chart');

const renderedBytesMax = 32 * 1024 * 1024;

/** Runs Helm, with `input` as what it reads; throws with what it says. */
export async function runHelm(args: readonly string[], input = ''): Promise<string> {
  const options = { maxBuffer: renderedBytesMax, encoding: 'utf8' } as const;
  const run = promisify(execFile)(await findBinary('helm'), args, options);
  run.child.stdin?.end(input);
  const { stdout } = await run;
  return stdout;
}

/** What a release of the chart is made of, and the hooks that Helm runs beside it. */
export interface RenderedChart {
  readonly objects: readonly KubeObject[];
  readonly hooks: readonly KubeObject[];
}

/** The whole chart as Helm renders it. */
export async function renderChart(
  { name, namespace }: { readonly name: string; readonly namespace: string },
  values: object = {},
): Promise<RenderedChart> {
  const args = ['template', name, chartFolder, '--namespace', namespace, '--values', '-'];
  const all = parseManifests(await runHelm(args, JSON.stringify(values)));
  const isHook = ({ metadata }: KubeObject) => metadata.annotations?.['helm.sh/hook'] !== undefined;
  return { objects: all.filter((one) => !isHook(one)), hooks: all.filter(isHook) };
}

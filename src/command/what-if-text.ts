import type { WhatIfReport, WorkloadChange } from '#core/routing/what-if.ts';
import { wrap } from './explanation-text.ts';

/** `/debug/what-if` as it comes. */
export interface WhatIfAnswer extends WhatIfReport {
  /** Who answers: what is known of registries is each replica's own. */
  readonly replica: string;
}

const columns = 80;

/** The answer for a person: first what could not start, then what would start elsewhere. */
export function whatIfText(answer: WhatIfAnswer): string {
  const { stranded, moving, replica } = answer;
  return [
    ...section('Could not start where the image is not there already:', stranded),
    ...section('Would start from elsewhere:', moving),
    ...wrap(`${summary(answer)} So says ${replica}, by what it knows of the registries.`, columns),
    '',
  ].join('\n');
}

function section(title: string, changes: readonly WorkloadChange[]): readonly string[] {
  if (changes.length === 0) return [];
  return [title, ...changes.flatMap(workloadLines), ''];
}

/** A workload with its Pods, and each image with what it would come to. */
export function workloadLines({
  namespace,
  kind,
  name,
  pods,
  images,
}: WorkloadChange): readonly string[] {
  return [
    `  ${namespace}  ${kind}/${name}  (${counted(pods, 'Pod')})`,
    ...images.flatMap(({ container, now, afterwards, by, message }) => {
      const lines =
        afterwards === undefined ? wrap(message, columns - 6) : [`-> ${afterwards}`, `   by ${by}`];
      return [`    ${container}: ${now}`, ...lines.map((line) => `      ${line}`)];
    }),
  ];
}

function summary({ registries, stranded, moving, staying, undecided }: WhatIfReport): string {
  const without = `Without ${registries.join(', ')}`;
  const total = stranded.length + moving.length + staying + undecided;
  if (total === 0) return `${without} nothing changes: no workload runs from there.`;
  const parts = [
    `${counted(stranded.length, 'workload')} could not start`,
    `${counted(moving.length, 'workload')} would start from elsewhere`,
    ...(staying > 0 ? [`${staying} would stay as they are`] : []),
    ...(undecided > 0 ? [`${undecided} were not decided about in time`] : []),
  ];
  return `${without} ${parts.join(', ')}.`;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

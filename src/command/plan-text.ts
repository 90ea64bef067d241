import type { PlannedCopy, PlanReport, ResourcePlan } from '#core/routing/resource-plan.ts';
import { wrap } from './explanation-text.ts';
import { workloadLines } from './what-if-text.ts';

/** `/debug/plan` as it comes. */
export interface PlanAnswer extends PlanReport {
  /** Who answers: what is known of registries is each replica's own. */
  readonly replica: string;
}

const columns = 80;
/** More are in the other formats. */
const linesMax = 20;

/** The answer for a person: a part a resource, and the sum. */
export function planText(answer: PlanAnswer): string {
  return [...answer.plans.flatMap(resourceLines), ...wrap(summary(answer), columns), ''].join('\n');
}

function resourceLines(plan: ResourcePlan): readonly string[] {
  const { resource, problems, images, leftOut, rerouted, copies } = plan;
  return [
    resource,
    ...section('Wrong:', problems, ({ field, message }) => bullet(`${field}: ${message}`)),
    ...(images.length === 0
      ? ['  It is about no image of a Pod that lives.']
      : [`  It is about ${counted(images.length, 'image')} in use.`]),
    ...section('Left out:', leftOut, ({ image, field, message }) =>
      bullet(`${image}: ${field}: ${message}`),
    ),
    ...section('Would be rerouted:', rerouted, (change) =>
      workloadLines(change).map((line) => `  ${line}`),
    ),
    ...section('Would be copied:', copies, copyLines),
    '',
  ];
}

function section<T>(
  title: string,
  items: readonly T[],
  toLines: (item: T) => readonly string[],
): readonly string[] {
  if (items.length === 0) return [];
  const more = items.length - linesMax;
  return [
    `  ${title}`,
    ...items.slice(0, linesMax).flatMap(toLines),
    ...(more > 0 ? [`    … and ${more} more (-o json has all)`] : []),
  ];
}

function bullet(text: string): readonly string[] {
  return wrap(text, columns - 6).map((line, index) => `${index === 0 ? '    ' : '      '}${line}`);
}

function copyLines({ image, copies, bytes, message }: PlannedCopy): readonly string[] {
  const size = bytes === undefined ? `size unknown: ${message}` : formatBytes(bytes);
  return [...bullet(`${image} (${size})`), ...copies.map((copy) => `      -> ${copy}`)];
}

function summary({ plans, bytes, workloads, undecided, replica }: PlanAnswer): string {
  const rerouted = plans.reduce((sum, plan) => sum + plan.rerouted.length, 0);
  const copies = plans.flatMap((plan) => plan.copies.flatMap((one) => one.copies));
  const open = undecided > 0 ? ` ${undecided} were not decided about.` : '';
  const copied =
    copies.length === 0
      ? 'Nothing would be copied.'
      : `${counted(copies.length, 'copy', 'copies')} would be made: at most ${formatBytes(bytes)}.`;
  return `Of ${counted(workloads, 'workload')} ${rerouted} would be rerouted.${open} ${copied} So says ${replica}.`;
}

/** As registries count: powers of 1,024. */
function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

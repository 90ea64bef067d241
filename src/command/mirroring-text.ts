import { wrap } from './explanation-text.ts';

/** `/status/mirroring` as it comes. */
export interface MirroringAnswer {
  readonly leads: boolean;
  readonly resources: number;
  readonly images: number;
  readonly mirrored: number;
  readonly failed: number;
  readonly running: readonly {
    readonly target: string;
    readonly image: string;
    readonly bytesDone: number;
    readonly bytesTotal: number | null;
    readonly bytesPerSecond: number;
    readonly startedAt: string;
  }[];
  readonly faults: readonly {
    readonly resource: string;
    readonly mirror: string;
    readonly copies: number;
    readonly image: string;
    readonly copy: string;
    readonly state: string;
    readonly lastError: string;
  }[];
  readonly totalFaults: number;
}

/** Lines stay within this, but for names that are longer by themselves. */
const columns = 80;

/** The section about mirroring, for a person; nothing where nothing is mirrored. */
export function mirroringText(answer: MirroringAnswer): string {
  const { resources, running, faults } = answer;
  if (resources === 0) return '';
  return [
    '',
    'MIRRORING',
    ...running.flatMap(runningLines),
    ...faults.flatMap(faultLines),
    ...wrap(summary(answer), columns),
    '',
  ].join('\n');
}

function runningLines({
  target,
  image,
  bytesDone,
  bytesTotal,
  bytesPerSecond,
}: MirroringAnswer['running'][number]): readonly string[] {
  const total = bytesTotal === null ? '' : ` of ${bytesOf(bytesTotal)}`;
  const percent =
    bytesTotal === null || bytesTotal === 0
      ? ''
      : ` (${Math.floor((100 * bytesDone) / bytesTotal)} %)`;
  return [
    `  ${image} -> ${target}`,
    `    copying: ${bytesOf(bytesDone)}${total}${percent}, ${bytesOf(bytesPerSecond)}/s`,
  ];
}

function faultLines(fault: MirroringAnswer['faults'][number]): readonly string[] {
  const { resource, mirror, copies, image, state, lastError } = fault;
  const count = copies === 1 ? '1 copy' : `${copies} copies`;
  const text = `${count} failed, first ${image} (${state}): ${lastError}`;
  return [`  ${resource} -> ${mirror}`, ...wrap(text, columns - 4).map((line) => `    ${line}`)];
}

function summary({
  leads,
  images,
  mirrored,
  failed,
  faults,
  totalFaults,
}: MirroringAnswer): string {
  const failures = failed === 0 ? '' : `, ${failed} with a copy that failed`;
  const shown = faults.length < totalFaults ? ` The first ${faults.length} faults are shown.` : '';
  const follows = leads ? '' : ' The leader alone knows which copies are under way.';
  return `${mirrored} of ${images} images have all their copies${failures}.${shown}${follows}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** In the largest unit of which there is at least one. */
function bytesOf(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const shown = unit === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1));
  return `${shown} ${units[unit]}`;
}

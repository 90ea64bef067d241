import { wrap } from './explanation-text.ts';

/** `/status/workloads` as it comes. */
export interface StatusAnswer {
  readonly workloads: readonly {
    readonly namespace: string;
    readonly kind: string;
    readonly name: string;
    readonly pods: number;
    readonly images: readonly {
      readonly image: string;
      readonly status: string;
      readonly cisa: string;
      readonly lastError?: string;
      readonly lastMonitor: string | null;
    }[];
  }[];
  readonly total: number;
  readonly imagesInUse: number;
  readonly imagesUnchecked: number;
  /** Absent from an operator that is older than this command. */
  readonly imagesNodeOnly?: number;
  /** Absent from an older operator, too. */
  readonly imagesUnreadable?: number;
  readonly resources: number;
}

/** Lines stay within this, but for names that are longer by themselves. */
const columns = 80;
const podsColumns = 6;

/** The answer for a person: a line for each workload, and below it each image and why. */
export function statusText(answer: StatusAnswer, namespace?: string): string {
  const { workloads, total } = answer;
  const place = namespace === undefined ? '' : ` in ${namespace}`;
  if (total === 0) return [...wrap(allIsWell(answer, place), columns), ''].join('\n');
  const widths = {
    namespace: widest('NAMESPACE', workloads, (workload) => workload.namespace),
    name: widest('WORKLOAD', workloads, ({ kind, name }) => `${kind}/${name}`),
  };
  const row = (cells: readonly [string, string, string, string]) =>
    [
      cells[0].padEnd(widths.namespace),
      cells[1].padEnd(widths.name),
      cells[2].padStart(podsColumns),
      cells[3],
    ].join('  ');
  return [
    row(['NAMESPACE', 'WORKLOAD', 'PODS', 'STATUS']),
    ...workloads.flatMap(({ namespace: space, kind, name, pods, images }) => [
      row([space, `${kind}/${name}`, `${pods}`, statusOf(images)]),
      ...images.flatMap(imageLines),
    ]),
    '',
    ...wrap(summary(answer, place), columns),
    '',
  ].join('\n');
}

type Images = StatusAnswer['workloads'][number]['images'];

function widest<T>(title: string, items: readonly T[], read: (item: T) => string): number {
  return items.reduce((width, item) => Math.max(width, read(item).length), title.length);
}

function statusOf(images: Images): string {
  return [...new Set(images.map(({ status }) => status))].join(', ');
}

function imageLines({
  image,
  status,
  cisa,
  lastError,
  lastMonitor,
}: Images[number]): readonly string[] {
  const checked = lastMonitor === null ? '' : `, checked ${lastMonitor}`;
  const why = `${status}${lastError === undefined ? '' : `: ${lastError}`}`;
  const text = `${why} (cisa ${cisa}${checked})`;
  return [`  ${image}`, ...wrap(text, columns - 4).map((line) => `    ${line}`)];
}

function summary({ workloads, total, ...answer }: StatusAnswer, place: string): string {
  const shown = workloads.length < total ? ` The first ${workloads.length} are shown.` : '';
  const could = total === 1 ? '1 workload' : `${total} workloads`;
  return `${could}${place} could not start again on a node without the image.${shown}${unchecked(answer)}`;
}

function allIsWell(answer: Omit<StatusAnswer, 'workloads' | 'total'>, place: string): string {
  const { resources, imagesInUse, imagesUnchecked, imagesNodeOnly = 0 } = answer;
  if (resources === 0) {
    return 'Nothing is monitored: create a ClusterImageSetAvailability that includes images.';
  }
  if (imagesInUse === 0) return 'No Pod uses an image that is monitored.';
  if (imagesUnchecked > 0 && imagesUnchecked + imagesNodeOnly === imagesInUse) {
    return `Nothing is known yet: of ${imagesUnchecked} monitored images in use none has been checked.`;
  }
  const images = imagesInUse === 1 ? '1 image' : `${imagesInUse} images`;
  return `All is well: no workload${place} uses an image that is known to be unavailable. ${images} in use ${imagesInUse === 1 ? 'is' : 'are'} monitored.${unchecked(answer)}`;
}

function unchecked({
  imagesUnchecked,
  imagesNodeOnly = 0,
  imagesUnreadable = 0,
}: Pick<StatusAnswer, 'imagesUnchecked' | 'imagesNodeOnly' | 'imagesUnreadable'>): string {
  const counted: readonly (readonly [why: string, images: number])[] = [
    ['Not checked yet', imagesUnchecked],
    ['Never checked, since only nodes can pull them (NodeOnly)', imagesNodeOnly],
    ['Not known, since kuik may not read the Secrets that open them', imagesUnreadable],
  ];
  const said = counted.filter(([, images]) => images > 0);
  return said.map(([why, images]) => ` ${why}: ${images}.`).join('');
}

import type { KuikKind } from '#api/kinds.ts';

/** One column of `kubectl get`; the name of the object always comes first, by itself. */
export interface PrinterColumn {
  /** kubectl prints it in capitals. */
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
}

const count = (name: string, jsonPath: string, description: string): PrinterColumn => ({
  name,
  type: 'integer',
  jsonPath,
  description,
});

const ofReady = (name: string, field: string, description: string): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath: `.status.conditions[?(@.type=="Ready")].${field}`,
  description,
});

const images = count(
  'Images',
  '.status.imageCount',
  'How many images this resource takes care of.',
);
const ready = ofReady('Ready', 'status', 'Whether all is well.');
const reason = ofReady('Reason', 'reason', 'Why it is, or is not, ready.');
const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Since when the object exists.',
};

const setColumns = [
  images,
  count('Priority', '.spec.priority', 'Below zero: preferred to the original image.'),
  ready,
  reason,
  age,
];

const mirrorColumns = [
  images,
  count('Mirrored', '.status.mirroredCount', 'How many of the images have all their copies.'),
  count('Failed', '.status.failedCount', 'How many of the images have a copy that failed.'),
  ready,
  reason,
  age,
];

const availabilityColumns = [
  images,
  count(
    'Available',
    '.status.availableCount',
    'How many of the images were available when last checked.',
  ),
  count(
    'Missing',
    '.status.missingCount',
    'How many of the images were not available when last checked.',
  ),
  ready,
  reason,
  age,
];

/** The columns of each kind: they answer "does it work?" at a glance. */
export const printerColumns: Readonly<Record<KuikKind, readonly PrinterColumn[]>> = {
  ReplicatedImageSet: setColumns,
  ClusterReplicatedImageSet: setColumns,
  ImageSetMirror: mirrorColumns,
  ClusterImageSetMirror: mirrorColumns,
  ClusterImageSetAvailability: availabilityColumns,
};

import type { KuikKind } from './kinds.ts';

/** One column of `kubectl get`; the name of the object always comes first, by itself. */
export interface PrinterColumn {
  /** kubectl prints it in capitals. */
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
}

const priority: PrinterColumn = {
  name: 'Priority',
  type: 'integer',
  jsonPath: '.spec.priority',
  description: 'Below zero: preferred to the original image.',
};

const images: PrinterColumn = {
  name: 'Images',
  type: 'integer',
  jsonPath: '.status.imageCount',
  description: 'How many images this resource takes care of.',
};

const ready: PrinterColumn = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: 'Whether all is well.',
};

const reason: PrinterColumn = {
  name: 'Reason',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
  description: 'Why it is, or is not, ready.',
};

const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Since when the object exists.',
};

const setColumns = [priority, ready, reason, age];

const mirrorColumns: readonly PrinterColumn[] = [
  images,
  {
    name: 'Mirrored',
    type: 'integer',
    jsonPath: '.status.mirroredCount',
    description: 'How many of the images have all their copies.',
  },
  {
    name: 'Failed',
    type: 'integer',
    jsonPath: '.status.failedCount',
    description: 'How many of the images have a copy that failed.',
  },
  ready,
  age,
];

const availabilityColumns: readonly PrinterColumn[] = [
  images,
  {
    name: 'Available',
    type: 'integer',
    jsonPath: '.status.availableCount',
    description: 'How many of the images were available when last checked.',
  },
  {
    name: 'Missing',
    type: 'integer',
    jsonPath: '.status.missingCount',
    description: 'How many of the images were not available when last checked.',
  },
  ready,
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

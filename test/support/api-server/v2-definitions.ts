import { customResourceDefinitions } from '#api/crds/definitions.ts';

/**
 * The five definitions as kuik v2 serves them, as far as switching depends on it: the same names, its
 * own statuses (maps by `image`, which take no field of ours), and specs that let everything in.
 */
export function v2Definitions() {
  return customResourceDefinitions().map(({ apiVersion, kind, metadata, spec }) => {
    const { group, names, scope } = spec;
    const [version] = spec.versions;
    return {
      ...{ apiVersion, kind, metadata: { name: metadata.name } },
      spec: {
        ...{ group, names, scope },
        versions: [
          {
            ...{ name: version?.name, served: true, storage: true, subresources: { status: {} } },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  status: { type: 'object', properties: statuses[names.kind] ?? {} },
                },
              },
            },
          },
        ],
      },
    };
  });
}

const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
const byImage = (properties: object, required: readonly string[]) => ({
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['image'],
  items: { type: 'object', required, properties: { image: text, ...properties } },
});

const mirrors = byImage({ mirroredAt: time, lastError: text }, ['image']);
const mirrorStatus = {
  matchingImages: byImage({ mirrors, unusedSince: time }, ['image']),
};
const status = {
  ...{ type: 'string', default: 'Scheduled' },
  enum: [
    ...['Scheduled', 'Available', 'NotFound', 'Unreachable', 'InvalidAuth'],
    ...['UnavailableSecret', 'QuotaExceeded'],
  ],
};
const checked = { status, unusedSince: time, lastError: text, lastMonitor: time };
const statuses: Readonly<Record<string, object>> = {
  ImageSetMirror: mirrorStatus,
  ClusterImageSetMirror: mirrorStatus,
  ClusterImageSetAvailability: {
    imageCount: { type: 'integer' },
    images: byImage({ ...checked, original: { type: 'boolean' } }, ['image', 'status']),
  },
};

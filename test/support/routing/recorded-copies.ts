import type { ImageSetMirrorStatus } from '#api/image-set-mirror-status.ts';
import type { KuikResource } from '#api/kinds.ts';

/** What is recorded of one copy, beside its name. */
export type RecordedCopy = Partial<
  NonNullable<NonNullable<ImageSetMirrorStatus['matchingImages']>[number]['mirrors']>[number]
>;

/** A copy that was made. */
export const made = { state: 'Available', mirroredAt: '2026-01-01T00:00:00Z' } as const;

/** An original, its copy and what is recorded of that. */
export type CopyRow = readonly [original: string, copy: string, recorded: RecordedCopy];

/** `status.matchingImages` from rows of original, copy and what is recorded of it. */
export function matchingImages(
  ...rows: readonly CopyRow[]
): NonNullable<ImageSetMirrorStatus['matchingImages']> {
  return rows.map(([image, copy, recorded]) => ({
    image,
    mirrors: [{ ...recorded, image: copy }],
  }));
}

/** The resource with these copies recorded in its status. */
export function recording(resource: KuikResource, ...rows: readonly CopyRow[]): KuikResource {
  return { ...resource, status: { matchingImages: matchingImages(...rows) } } as KuikResource;
}

import Type, { type Static } from 'typebox';
import { conditionsSchema } from './condition.ts';
import type { ReadOnly } from './read-only.ts';
import { count, time } from './status-fields.ts';

/** Where one copy may stand (behaviour §2). */
export const mirrorCopyStates = [
  'Scheduled',
  'Available',
  'BackingOff',
  'Failed',
  'Collision',
  'Unused',
  'Expired',
] as const;

/** One of them. */
export type MirrorCopyState = (typeof mirrorCopyStates)[number];

const mirrorCopySchema = Type.Object(
  {
    image: Type.String({ description: 'The copy: the image as it is pulled from the mirror.' }),
    state: Type.Optional(
      Type.Unsafe<MirrorCopyState>({
        type: 'string',
        enum: mirrorCopyStates,
        description:
          'Where the copy stands. An `Expired` one is about to be deleted and no longer offered.',
      }),
    ),
    mirroredAt: time('When the copy was made, or found to be there; unset while there is none.'),
    digest: Type.Optional(
      Type.String({ description: 'Digest of the copy, which differs where an index was cut.' }),
    ),
    sourceDigest: Type.Optional(
      Type.String({ description: 'Digest of the source when the copy was made.' }),
    ),
    platforms: Type.Optional(
      Type.Array(Type.String({ description: 'As `os/architecture[/variant]`.' }), {
        'x-kubernetes-list-type': 'atomic',
        description: 'The platforms that a cut copy holds; unset where the copy is whole.',
      }),
    ),
    adopted: Type.Optional(
      Type.Boolean({
        description:
          'True for a copy that was found there: none of ours wrote it or deletes it. False where ' +
          'nothing stood there before.',
      }),
    ),
    lastError: Type.Optional(
      Type.String({ description: 'Why the last attempt failed, in at most 256 bytes.' }),
    ),
  },
  { description: 'One copy on one mirror.' },
);

const matchingImageSchema = Type.Object(
  {
    image: Type.String({
      description: 'The image in its full form; one written without a tag has none here.',
    }),
    mirrors: Type.Optional(
      Type.Array(mirrorCopySchema, {
        'x-kubernetes-list-type': 'atomic',
        description: 'Its copies, one a mirror.',
      }),
    ),
    unusedSince: time('Since when no Pod uses the image; unset while one does.'),
  },
  { description: 'One image and its copies.' },
);

/** `status` of the mirror kinds. */
export const imageSetMirrorStatusSchema = Type.Object(
  {
    conditions: Type.Optional(conditionsSchema),
    imageCount: count('How many images are mirrored or to be mirrored, listed or not.'),
    mirroredCount: count('How many images have all their copies, listed or not.'),
    failedCount: count('How many images have a copy that failed, listed or not.'),
    matchingImages: Type.Optional(
      Type.Array(matchingImageSchema, {
        'x-kubernetes-list-type': 'atomic',
        description: 'At most 1,000 of the images: what is wrong and in use first.',
      }),
    ),
  },
  { description: 'What the leader says of this resource.' },
);

/** What the leader says of an (Cluster)ImageSetMirror. */
export type ImageSetMirrorStatus = ReadOnly<Static<typeof imageSetMirrorStatusSchema>>;

/** One image and its copies, as a status lists it. */
export type MatchingImage = ReadOnly<Static<typeof matchingImageSchema>>;

/** One copy on one mirror, as a status lists it. */
export type ListedCopy = ReadOnly<Static<typeof mirrorCopySchema>>;

import Type, { type Static } from 'typebox';
import type { ReadOnly } from './read-only.ts';

const conditionSchema = Type.Object(
  {
    type: Type.String({
      description: '`Ready`, or what the kind adds to it, such as `SourceChanged`.',
    }),
    status: Type.Unsafe<'True' | 'False' | 'Unknown'>({
      type: 'string',
      enum: ['True', 'False', 'Unknown'],
      description: 'Whether the condition holds.',
    }),
    reason: Type.String({
      description: 'Why, in one word a program can read, such as `InvalidSpec`.',
    }),
    message: Type.String({ description: 'Why, in a sentence a person can act on.' }),
    lastTransitionTime: Type.String({
      format: 'date-time',
      description: 'When `status` last changed.',
    }),
    observedGeneration: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'The `metadata.generation` that the condition was made from.',
      }),
    ),
  },
  { description: 'One aspect of the state of the resource.' },
);

/** Schema of `status.conditions`, the same on all five kinds (behaviour §6a). */
export const conditionsSchema = Type.Array(conditionSchema, {
  'x-kubernetes-list-type': 'atomic',
  description: 'What a person needs to know: `Ready` first, written by the leader alone.',
});

/** One aspect of a resource's state, as `kubectl describe` shows it. */
export type Condition = ReadOnly<Static<typeof conditionSchema>>;

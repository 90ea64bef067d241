import Type, { type Static } from 'typebox';
import { namespaceCharactersMax, objectNameCharactersMax } from './limits.ts';
import type { ReadOnly } from './read-only.ts';

export const credentialSecretSchema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: objectNameCharactersMax }),
  namespace: Type.Optional(Type.String({ maxLength: namespaceCharactersMax })),
});

/** A Secret with registry credentials; namespaced kinds ignore `namespace` and use their own. */
export type CredentialSecretReference = ReadOnly<Static<typeof credentialSecretSchema>>;

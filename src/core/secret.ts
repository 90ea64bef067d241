import type { SecretView } from './credentials.ts';

/** A Secret by name, with the namespace resolved: for namespaced kinds the resource's own. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** What came of reading one Secret; none of them keeps a Pod out (behaviour §3.11). */
export type SecretAnswer =
  | {
      readonly kind: 'found';
      readonly secret: SecretView;
      /** It is a copy that we made: right for a Pod, never a source (behaviour §3.9). */
      readonly isCopy: boolean;
    }
  | { readonly kind: 'missing' }
  /** No answer in time, no right to read it, or one that is no Secret: it may well be there. */
  | {
      readonly kind: 'unreadable';
      readonly message: string;
      /** It may be read a moment later: the API server did not say. */
      readonly mayPass?: boolean;
    };

/** `<namespace>/<name>`, as a credential's `source` has it. */
export function secretNameText({ namespace, name }: SecretName): string {
  return `${namespace}/${name}`;
}

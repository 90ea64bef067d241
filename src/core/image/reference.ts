import type { Result } from '#core/result.ts';

/** An image reference parsed once into a value that cannot be invalid (behaviour §1). */
export interface ImageReference {
  /** Host with its port, `docker.io` when none was written. */
  readonly registry: string;
  /** Repository path without a leading slash, `library/` added on docker.io. */
  readonly path: string;
  /** The tag, only when one was written. */
  readonly tag?: string;
  /** `algo:hex`, only when one was written. */
  readonly digest?: string;
}

/** Why a text is no image reference: what was expected and what came. */
export interface ReferenceError {
  readonly message: string;
}

/** Parses and normalises as the `distribution/reference` grammar does. */
export declare function parseReference(text: string): Result<ImageReference, ReferenceError>;

/** Full form with exactly the tag and digest that were written. */
export declare function formatReference(reference: ImageReference): string;

/** Full form with `:latest` when neither tag nor digest was written. */
export declare function normalisedReference(reference: ImageReference): string;

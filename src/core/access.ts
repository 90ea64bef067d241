/** What came of asking whether the bearer of a token may look at a path. */
export type Access =
  | { readonly kind: 'allowed' }
  /** Nobody that the API server knows. */
  | { readonly kind: 'unknown' }
  /** Somebody who may not. */
  | { readonly kind: 'forbidden'; readonly user: string }
  /** The API server could not be asked. */
  | { readonly kind: 'unanswered'; readonly message: string };

/** A look at a non-resource path, by the bearer of a token. */
export interface AccessQuestion {
  readonly token: string;
  /** `/debug`. */
  readonly path: string;
}

/** Asks whether a `get` of a path is allowed; it never rejects. */
export type AccessPort = (question: AccessQuestion, signal: AbortSignal) => Promise<Access>;

/** One user name and password, or token, for one registry. Never logged, never shown. */
export interface Credential {
  /** Where it came from, safe to show: `<namespace>/<secret>` and the key that matched. */
  readonly source: string;
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token (`identitytoken` in a docker config). */
  readonly identityToken?: string;
  /** A ready bearer token (`registrytoken` in a docker config). */
  readonly registryToken?: string;
}

/** A Secret as the API server sends it, with its data decoded to text. */
export interface SecretView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

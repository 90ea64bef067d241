import type { CopyPair } from './copy-process.ts';

/** Whatever copies. */
export interface Copier {
  /** What went wrong, or nothing. */
  readonly copy: (pair: CopyPair) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
}

/** The copier of `oci` with the registries of the bench. */
export function createBenchCopier(authorityFile: string, hosts: readonly string[]): Copier {
  void authorityFile;
  void hosts;
  return { copy: async () => undefined, close: async () => undefined };
}

import { findBinaries } from '#test/support/binaries/binaries.ts';
import { binaryNames } from '#test/support/binaries/binary-source.ts';

/** Makes sure that the control plane and the registry can be run; shows progress while it does. */
try {
  await findBinaries(binaryNames);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

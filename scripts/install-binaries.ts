import { findBinaries, missingBinaries } from '#test/support/binaries/binaries.ts';
import { binaryNames, demoBinaryNames } from '#test/support/binaries/binary-source.ts';
import { installChromium } from '#test/support/binaries/chromium.ts';

/**
 * Makes sure that the control plane, the registry and a browser can be run, and shows progress
 * while it does. With `--demo` only what the demo starts: the rest is built when `npm test` asks for it.
 */
const isDemo = process.argv.includes('--demo');
const names = isDemo ? demoBinaryNames : binaryNames;
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopped.abort());
}

const missing = missingBinaries(names, process.env);
if (missing.length > 0) {
  const many = missing.length === 1 ? 'One program is' : `${missing.length} programs are`;
  console.error(`${many} not on this machine yet (downloaded, or built in minutes; once):`);
  for (const { name, version, purpose } of missing) {
    console.error(`  ${name} ${version}: ${purpose}`);
  }
}
try {
  if (!isDemo) installChromium(process.env);
  await findBinaries(names, { signal: stopped.signal });
} catch (error) {
  process.exitCode = 1;
  if (!stopped.signal.aborted) console.error(error instanceof Error ? error.message : error);
}
if (stopped.signal.aborted) {
  console.error('What Go has compiled so far is kept for the next time.');
  process.exitCode = 130;
}

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatReference, parseReference } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { pushLayout } from './image/copy-layout.ts';
import { newestPackages } from './image/debian-packages.ts';
import { type Architecture, architectures } from './image/image-runtime.ts';
import { imageDirectory, makeImage } from './image/make-image.ts';
import { pinsFile, readPins } from './image/pins.ts';

const usage = `npm run image -- [options]: writes an OCI image layout, and pushes it where told.

  --output DIR          where it is written (default: ${imageDirectory})
  --platform LIST       linux/amd64,linux/arm64 (default: both)
  --base BASE           debian: pinned packages from Debian's mirrors (default);
                        machine: this machine's libraries and Node, for its own architecture, without
                        a network;
                        REGISTRY/PATH:TAG: the layers of an image in a registry
  --push REFERENCE      registry/path:tag to push it to; credentials are those of docker login
  --plain-http          speak to the registries of --base and --push over plain HTTP
  --ca-file FILE        trust the certificates of this bundle as well
  --pin                 only take over Debian's newest packages into scripts/image/pins.json
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: imageDirectory },
      platform: { type: 'string', default: architectures.map((one) => `linux/${one}`).join() },
      base: { type: 'string', default: 'debian' },
      push: { type: 'string' },
      'plain-http': { type: 'boolean', default: false },
      'ca-file': { type: 'string' },
      pin: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return end(usage);
  if (values.pin) return finish(await pinNewest());
  const wanted = platformsOf(values.platform);
  if (!wanted.ok) return finish(wanted);
  const options = {
    directory: values.output,
    architectures: wanted.value,
    base: values.base,
    isPlainHttpBase: values['plain-http'],
    onProgress: (text: string) => console.log(`Building ${text} …`),
  };
  const built = await makeImage(options);
  if (!built.ok || values.push === undefined) {
    return finish(built.ok ? succeed(`${values.output}: ${built.value.digest}`) : built);
  }
  return finish(await push(values.push, values));
}

async function push(
  text: string,
  values: { readonly output: string; readonly 'plain-http': boolean; readonly 'ca-file'?: string },
): Promise<Result<string, string>> {
  const reference = parseReference(text);
  if (!reference.ok) return fail(`--push: ${reference.error.message}`);
  const caFile = values['ca-file'];
  const pushed = await pushLayout(values.output, {
    reference: reference.value,
    isPlainHttp: values['plain-http'],
    ...(caFile !== undefined && { caFile }),
  });
  if (pushed.kind === 'failed') return fail(pushed.message);
  const pinned = { ...reference.value, digest: pushed.digest };
  return succeed(`pushed ${formatReference(pinned)} (${pushed.bytes} bytes sent)`);
}

function platformsOf(text: string): Result<readonly Architecture[], string> {
  const wanted = text.split(',');
  const known = architectures.filter((one) => wanted.includes(`linux/${one}`));
  if (known.length === wanted.length) return succeed(known);
  return fail(`--platform: expected some of linux/amd64,linux/arm64, got ${text}`);
}

async function pinNewest(): Promise<Result<string, string>> {
  const pins = readPins();
  const packages = { ...pins.debian.packages };
  for (const architecture of architectures) {
    const newest = await newestPackages(architecture, pins.debian.release);
    if (!newest.ok) return newest;
    packages[architecture] = newest.value;
  }
  const renewed = { ...pins, debian: { ...pins.debian, packages } };
  const text = `${JSON.stringify(renewed, undefined, 2)}\n`;
  const isSame = readFileSync(pinsFile, 'utf8') === text;
  writeFileSync(pinsFile, text);
  return succeed(isSame ? 'Debian has nothing newer.' : `written: ${pinsFile}`);
}

function finish(outcome: Result<string, string>): number {
  if (outcome.ok) return end(outcome.value);
  console.error(outcome.error);
  return 1;
}

function end(text: string): number {
  console.log(text);
  return 0;
}

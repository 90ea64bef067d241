import { join } from 'node:path';
import { parseReference } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { Descriptor } from '#oci/image-manifest.ts';
import { applicationEntries } from './application.ts';
import { buildImage, type ImageOptions, type ImageParts } from './build-image.ts';
import { debianBase } from './debian-base.ts';
import type { Architecture } from './image-runtime.ts';
import type { LayerEntry } from './layer.ts';
import { machineBase, machineNode } from './machine-base.ts';
import { nodeEntries } from './node-binary.ts';
import { registryBase } from './registry-base.ts';

/** Where an image is written unless told otherwise. */
export const imageDirectory = 'oci';

/** What `npm run image` is told. */
export interface MakeOptions extends ImageOptions {
  readonly architectures: readonly Architecture[];
  /** `debian`, `machine`, or an image in a registry. */
  readonly base: string;
  /** Whether that registry is spoken to over plain HTTP. */
  readonly isPlainHttpBase?: boolean;
}

const root = join(import.meta.dirname, '..', '..');

/** Makes the image of this repository. */
export async function makeImage(options: MakeOptions): Promise<Result<Descriptor, string>> {
  const base = baseOf(options);
  if (!base.ok) return base;
  const parts: ImageParts = {
    architectures: options.architectures,
    base: base.value,
    node: options.base === 'machine' ? machineNode : nodeEntries,
    application: await applicationEntries(root),
  };
  return await buildImage(parts, options);
}

function baseOf(options: MakeOptions): Result<ImageParts['base'], string> {
  if (options.base === 'debian') return succeed(ofEntries(debianBase));
  if (options.base === 'machine') return succeed(ofEntries(machineBase));
  const reference = parseReference(options.base);
  if (!reference.ok) return fail(`--base: ${reference.error.message}`);
  const isPlainHttp = options.isPlainHttpBase ?? false;
  return succeed(registryBase(options.directory, { reference: reference.value, isPlainHttp }));
}

function ofEntries(
  make: (architecture: Architecture) => Promise<Result<readonly LayerEntry[], string>>,
): ImageParts['base'] {
  return async (architecture) => {
    const entries = await make(architecture);
    return entries.ok ? succeed({ kind: 'entries', entries: entries.value }) : entries;
  };
}

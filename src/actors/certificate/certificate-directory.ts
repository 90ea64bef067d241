import { promises } from 'node:fs';
import { join } from 'node:path';
import { fail, type Result, succeed } from '#core/result.ts';
import {
  type CertificateMaterial,
  findValidityFault,
  fingerprintOf,
  isSignedBy,
  pemBytesMax,
  readBundle,
  readKeyPair,
} from './certificate-material.ts';
import type { CertificateSource, SourceOutcome } from './certificate-source.ts';

/**
 * A certificate that somebody else (cert-manager) puts into a directory: `tls.crt`, `tls.key` and,
 * if there, `ca.crt`. Files are read anew instead of watched: a mounted Secret changes by a
 * symbolic link far above them.
 */
export function certificateDirectory(directory: string, now: () => number): CertificateSource {
  const load = () => loadDirectory(directory, now());
  return {
    load,
    renew: async (serving) => {
      const found = await load();
      if (found.kind !== 'loaded' || serving === undefined) return found;
      return isSame(found.material, serving) ? { kind: 'kept' } : found;
    },
    findChange: async (serving) => {
      const read = await readMaterial(directory);
      if (!read.ok) return undefined;
      return isSame(read.value, serving) ? undefined : fingerprintOf(read.value);
    },
    readBundle: async () => {
      const read = await readMaterial(directory);
      return read.ok ? read.value.bundle : undefined;
    },
  };
}

async function loadDirectory(directory: string, nowMs: number): Promise<SourceOutcome> {
  const read = await readMaterial(directory);
  if (!read.ok) return { kind: 'missing', message: read.error };
  const material = read.value;
  const pair = readKeyPair(material.cert, material.key);
  const fault = pair.ok ? findValidityFault(pair.value.certificate, nowMs) : pair.error;
  if (fault === undefined) return { kind: 'loaded', material };
  const message = `${directory} (tls.crt, tls.key): ${fault}`;
  return { kind: 'refused', message, fingerprint: fingerprintOf(material) };
}

async function readMaterial(directory: string): Promise<Result<CertificateMaterial, string>> {
  const [cert, key, bundle] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readBounded(join(directory, name))),
  );
  if (cert === undefined) return fail(`expected a readable file ${directory}/tls.crt, got none`);
  if (key === undefined) return fail(`expected a readable file ${directory}/tls.key, got none`);
  return succeed({ cert, key, bundle: bundle ?? findSelfSigned(cert) });
}

/** A certificate that signed itself is its own authority; any other is trusted by other means. */
function findSelfSigned(cert: string): string {
  const [certificate] = readBundle(cert);
  return certificate !== undefined && isSignedBy(certificate, certificate) ? cert : '';
}

/** Reads no more than a certificate may have; one byte more is kept, so that it is refused. */
async function readBounded(path: string): Promise<string | undefined> {
  try {
    await using file = await promises.open(path, 'r');
    const buffer = Buffer.alloc(pemBytesMax + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}

function isSame(left: CertificateMaterial, right: CertificateMaterial): boolean {
  return fingerprintOf(left) === fingerprintOf(right);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './image-runtime.ts';

/** What an image stands on: each part at one version, with what it must be. */
export interface Pins {
  /** The npm package of Node for each architecture. */
  readonly node: {
    readonly version: string;
    readonly packages: Readonly<Record<Architecture, NodePackage>>;
  };
  readonly debian: {
    /** `bookworm`, and the number that it has. */
    readonly release: string;
    readonly version: string;
    readonly packages: Readonly<Record<Architecture, readonly DebianPackage[]>>;
  };
}

/** One package of Node. */
export interface NodePackage {
  readonly name: string;
  /** As npm writes it, `sha512-…`. */
  readonly integrity: string;
}

/** One package of Debian. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** Reads the pins; `node scripts/image.ts --pin` renews those of Debian. */
export function readPins(): Pins {
  return JSON.parse(readFileSync(pinsFile, 'utf8'));
}

/** Where they are kept. */
export const pinsFile = join(import.meta.dirname, 'pins.json');

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { billOfMaterials } from './release/bill-of-materials.ts';

/** `npm run sbom`: what the image is made of, as CycloneDX 1.6; to a file where one is named. */
const { values } = parseArgs({ options: { output: { type: 'string' } } });
const text = billOfMaterials(join(import.meta.dirname, '..'));
if (values.output === undefined) process.stdout.write(text);
else writeFileSync(values.output, text);

import manifest from '#package' with { type: 'json' };

/** The version of kuik, as `package.json` has it. */
export const version: string = manifest.version;

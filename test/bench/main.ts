/** What a bench is told. */
interface BenchOptions {
  /** A short run, to see that it works; its figures are rough. */
  readonly quick: boolean;
  /** What takes minutes or gigabytes too. */
  readonly full: boolean;
}

/** `npm run bench [-- NAME…] [--quick] [--full]`: tables of measured figures, apart from the tests. */
const benches: Readonly<
  Record<string, () => Promise<{ run: (options: BenchOptions) => Promise<void> }>>
> = {
  actors: () => import('./actors.ts'),
  admission: () => import('./admission.ts'),
  availability: () => import('./availability.ts'),
  copy: () => import('./copy.ts'),
  'copy-beside': () => import('./copy-beside.ts'),
  inspect: () => import('./inspect.ts'),
  memory: () => import('./memory.ts'),
  mirroring: () => import('./mirroring.ts'),
  monitoring: () => import('./monitoring.ts'),
  outage: () => import('./outage.ts'),
  start: () => import('./start.ts'),
  viewers: () => import('./viewers.ts'),
};

const told = process.argv.slice(2);
const quick = told.includes('--quick');
const full = told.includes('--full');
const asked = told.filter((word) => word !== '--quick' && word !== '--full');
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`Expected any of ${Object.keys(benches).join(', ')}; got ${unknown.join(', ')}.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
  const bench = await benches[name]?.();
  console.log(`\n== ${name}`);
  await bench?.run({ quick, full });
}

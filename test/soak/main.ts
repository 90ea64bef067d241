/** What a soak is told. */
interface SoakOptions {
  readonly minutes: number;
}

/** `npm run soak -- NAME… [--minutes=N]`: minutes of churn and outages, with figures and a verdict. */
const soaks: Readonly<
  Record<string, () => Promise<{ run: (options: SoakOptions) => Promise<boolean> }>>
> = {
  mirroring: () => import('./mirroring.ts'),
  operator: () => import('./operator.ts'),
};

const told = process.argv.slice(2);
const minutes = Number(told.find((word) => word.startsWith('--minutes='))?.slice(10) ?? 10);
const asked = told.filter((word) => !word.startsWith('--minutes='));
const unknown = asked.filter((name) => !(name in soaks));
if (unknown.length > 0 || !(minutes > 0)) {
  console.error(`Expected any of ${Object.keys(soaks).join(', ')} and --minutes=N.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(soaks)) {
  const soak = await soaks[name]?.();
  console.log(`\n== ${name}, ${minutes} minutes`);
  if ((await soak?.run({ minutes })) !== true) process.exitCode = 1;
}

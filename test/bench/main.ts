/** `npm run bench [-- NAME…]`: tables of measured figures, apart from the tests. */
const benches: Readonly<Record<string, () => Promise<{ run: () => Promise<void> }>>> = {
  actors: () => import('./actors.ts'),
  memory: () => import('./memory.ts'),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`Expected any of ${Object.keys(benches).join(', ')}; got ${unknown.join(', ')}.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
  const bench = await benches[name]?.();
  console.log(`\n== ${name}`);
  await bench?.run();
}

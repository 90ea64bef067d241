import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Copy,
  DockerfileParser,
  type Instruction,
  type JSONInstruction,
} from 'dockerfile-ast';
import { expect, test } from 'vitest';
import { applicationEntries } from '#scripts/image/application.ts';
import { runtimeConfiguration } from '#scripts/image/image-runtime.ts';
import { readPins } from '#scripts/image/pins.ts';
import { shippedPackages } from '#scripts/image/shipped-packages.ts';

/** The Dockerfile and `npm run image` are two ways to the same image. */
const root = join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const instructions = DockerfileParser.parse(read('Dockerfile')).getInstructions();
const isFrom = (one: Instruction) => one.getKeyword() === 'FROM';
const finalStage = instructions.slice(instructions.findLastIndex(isFrom));

const inFinalStage = (keyword: string) => finalStage.filter((one) => one.getKeyword() === keyword);
const wordsOf = (one: Instruction | undefined) =>
  one?.getArguments().map((argument) => argument.getValue()) ?? [];
const listOf = (keyword: string) =>
  (inFinalStage(keyword)[0] as JSONInstruction)
    .getJSONStrings()
    .map((one) => JSON.parse(one.getValue()) as string);
const copies = (inFinalStage('COPY') as Copy[]).map((copy) => ({
  from: copy.getFromFlag()?.getValue() ?? undefined,
  sources: wordsOf(copy).slice(0, -1),
  target: wordsOf(copy).at(-1) ?? '',
}));

function filesBelow(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesBelow(`${path}/${name}`));
}

test('both ways put the same files of the repository at the same paths', () => {
  const own = copies.filter(({ from }) => from === undefined);
  const copied = own.flatMap(({ sources, target }) =>
    sources.flatMap((source) => {
      const place = target.endsWith('/') ? `${target}${source}` : target;
      return filesBelow(source).map((file) => `${place}${file.slice(source.length)}`.slice(1));
    }),
  );
  const built = applicationEntries(root).map(({ path }) => path);
  expect(copied.toSorted()).toEqual(
    built.filter((path) => !path.includes('/node_modules/')).toSorted(),
  );
});

/** How the lock file marks what an installation may leave out. */
interface LeftOut {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

test('both ways take the packages that are not for development, and run none of their scripts', () => {
  const [install] = instructions.filter((one) => one.getKeyword() === 'RUN');
  const words = wordsOf(install).join(' ');
  expect(words).toMatch(/^npm ci --omit=dev --omit=optional --ignore-scripts /);
  expect(copies).toContainEqual({
    from: 'packages',
    sources: ['/opt/kuik/node_modules'],
    target: '/opt/kuik/node_modules',
  });
  const lock = JSON.parse(read('package-lock.json')) as {
    readonly packages: Readonly<Record<string, LeftOut>>;
  };
  const isLeftOut = ({ dev, optional, devOptional }: LeftOut) => dev || optional || devOptional;
  const installed = Object.entries(lock.packages).flatMap(([path, one]) =>
    path === '' || isLeftOut(one) === true ? [] : [path],
  );
  const shipped = shippedPackages(root).packages.map(({ path }) => path);
  expect(shipped).toEqual(installed.toSorted());
});

test('both ways start the same command as the same user, in the same surroundings', () => {
  const { User, Env, Entrypoint, Cmd, WorkingDir } = runtimeConfiguration;
  expect(wordsOf(inFinalStage('USER')[0])).toEqual([User]);
  expect(wordsOf(inFinalStage('ENV')[0])).toEqual(Env);
  expect(listOf('ENTRYPOINT')).toEqual(Entrypoint);
  expect(listOf('CMD')).toEqual(Cmd);
  expect(wordsOf(inFinalStage('WORKDIR')[0])).toEqual([WorkingDir]);
});

test('both ways have the Node of package.json and the same Debian', () => {
  const { node, debian } = readPins();
  const manifest = JSON.parse(read('package.json'));
  expect(node.version).toBe(manifest.devDependencies.node);
  expect(read('Dockerfile')).toContain(`ARG NODE_VERSION=${node.version}\n`);
  const froms = instructions.filter(isFrom).map((one) => wordsOf(one).join(' '));
  expect(froms.slice(0, -1)).toEqual([
    expect.stringContaining(`node:\${NODE_VERSION}-${debian.release}-slim AS packages`),
    `node:\${NODE_VERSION}-${debian.release}-slim AS node`,
  ]);
  expect(froms.at(-1)).toBe(`gcr.io/distroless/cc-debian${debian.version}:nonroot`);
});

test('the last stage runs nothing: there is no shell to run it', () => {
  expect(inFinalStage('RUN')).toEqual([]);
  expect(inFinalStage('SHELL')).toEqual([]);
});

test('a container engine is sent nothing but what is copied', () => {
  const sent = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  const wanted = instructions
    .filter((one): one is Copy => one.getKeyword() === 'COPY')
    .filter((copy) => copy.getFromFlag() === null)
    .flatMap((copy) => wordsOf(copy).slice(0, -1));
  for (const source of wanted) expect(sent).toContain(`!${source}`);
});

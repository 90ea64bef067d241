import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AnyStateNode } from 'xstate';
import { allMachines } from '#machines/all-machines.ts';
import { listStates, renderMachinePage } from '#scripts/machine-page.ts';

const root = join(import.meta.dirname, '..', '..');
const machinesFolder = join(root, 'src', 'machines');

test('every machine of src/machines is among all machines, under its file name', () => {
  const files = readdirSync(machinesFolder)
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => readFileSync(join(machinesFolder, file), 'utf8').includes('.createMachine('))
    .map((file) => file.replace(/\.ts$/, ''));
  expect(allMachines.map(({ id }) => id)).toEqual(files.sort());
});

test('docs/machines has one page a machine and no other', () => {
  const pages = readdirSync(join(root, 'docs', 'machines'));
  expect(pages.sort()).toEqual(allMachines.map(({ id }) => `${id}.md`));
});

describe.each(allMachines.map((machine) => [machine.id, machine] as const))('%s', (id, machine) => {
  const nodes = (node: AnyStateNode): AnyStateNode[] =>
    Object.values(node.states).flatMap((child: AnyStateNode) => [child, ...nodes(child)]);

  test('its page is what is drawn from it', () => {
    const page = readFileSync(join(root, 'docs', 'machines', `${id}.md`), 'utf8');
    expect(page, 'run node scripts/render-machines.ts').toBe(renderMachinePage(machine));
  });

  test('it and each of its states say what they are, in names that a person can read', () => {
    expect(machine.root.description).toBeTruthy();
    for (const { state, description } of listStates(machine)) {
      expect(description, state).not.toBe('');
      expect(state).toMatch(/^[A-Za-z.]+$/);
    }
  });

  test('a bug in an effect is handled by no state: it crashes the machine, whose supervisor is told', () => {
    expect(Object.keys(machine.root.states)).not.toContain('Broken');
    for (const node of [machine.root, ...nodes(machine.root)]) {
      for (const { id: invokeId } of node.invoke) {
        const handled = node.transitions.get(`xstate.error.actor.${invokeId}`) ?? [];
        expect(handled, `${node.id} ${invokeId}`).toEqual([]);
      }
    }
  });

  test('it is small enough to be read: twelve leaves, three levels', () => {
    const all = nodes(machine.root);
    expect(all.filter((node) => Object.keys(node.states).length === 0).length).toBeLessThan(13);
    expect(Math.max(...all.map((node) => node.path.length))).toBeLessThan(4);
  });
});

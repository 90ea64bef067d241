import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AnyStateNode, createMachine } from 'xstate';
import { drawMachine, listEdges } from '#actors/machine-view.ts';
import { allMachines } from '#machines/all-machines.ts';
import { renderMachineDrawing } from '#scripts/machine-drawing.ts';
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

  test('its drawing is what is drawn from it', () => {
    const path = join(root, 'src', 'http', 'page', 'machines', `${id}.svg`);
    const drawing = readFileSync(path, 'utf8');
    expect(drawing, 'run node scripts/render-machines.ts').toBe(renderMachineDrawing(machine));
  });

  test('its drawing has every state and every arrow, and asks nobody for anything', () => {
    const drawing = renderMachineDrawing(machine);
    for (const { path } of nodes(machine.root)) {
      expect(drawing).toContain(`data-id="${path.join('_')}"`);
    }
    for (const { source, target, label } of [machine.root, ...nodes(machine.root)].flatMap(
      listEdges,
    )) {
      const isLeaf = Object.keys(source.states).length === 0;
      const from = (isLeaf ? source.path : [...source.path, 'Any']).join('_');
      const arrow = `class="edge" data-from="${from}" data-to="${target.path.join('_')}" data-label="${label}"`;
      expect(drawing).toContain(arrow);
    }
    expect(drawing).not.toMatch(/@import|<style|style="|https?:\/\/(?!www\.w3\.org)/);
  });

  test('what Stately Studio imports is a machine with the same states and arrows', () => {
    const { studio, diagram } = drawMachine(machine);
    const imported = createMachine(JSON.parse(JSON.stringify(studio)));
    expect(drawMachine(imported).diagram).toBe(diagram);
    expect(listStates(imported)).toEqual(listStates(machine));
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

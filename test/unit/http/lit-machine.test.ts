import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { AnyStateNode, StateValue } from 'xstate';
import { pageDirectory } from '#http/page-assets.ts';
import { allMachines } from '#machines/all-machines.ts';
import { statesOf } from '#telemetry/states.ts';

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

interface Step {
  readonly event: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

interface LitMachine {
  readonly litIds: (states: readonly string[], ids: readonly string[]) => ReadonlySet<string>;
  readonly takenArrows: (step: Step, drawing: Drawing) => ReadonlySet<Arrow>;
}

interface Drawing {
  readonly ids: readonly string[];
  readonly arrows: readonly Arrow[];
}

const file = join(pageDirectory, 'lit-machine.js');
const { litIds, takenArrows } = (await import(
  /* @vite-ignore */ pathToFileURL(file).href
)) as LitMachine;

/** What the page reads of a drawing. */
function drawingOf(id: string): Drawing {
  const svg = readFileSync(join(pageDirectory, 'machines', `${id}.svg`), 'utf8');
  const nodes = svg.matchAll(/<g class="(?:node|subgraph)" data-id="([^"]+)"/g);
  const edges = svg.matchAll(
    /class="edge" data-from="([^"]*)" data-to="([^"]*)"(?: data-label="([^"]*)")?/g,
  );
  return {
    ids: [...nodes].map(([, node = '']) => node),
    arrows: [...edges].map(([, from = '', to = '', label = '']) => ({ from, to, label })),
  };
}

/** Every leaf as the value of a state in which it is active. */
function leavesOf(node: AnyStateNode): readonly { path: string; value: StateValue }[] {
  const children: AnyStateNode[] = Object.values(node.states);
  return children.flatMap((child) => {
    if (Object.keys(child.states).length === 0) {
      return [{ path: child.path.join('_'), value: stateValue(node, child.key, undefined) }];
    }
    return leavesOf(child).map(({ path, value }) => ({
      ...{ path, value: stateValue(node, child.key, value) },
    }));
  });
}

function stateValue(node: AnyStateNode, key: string, inner: StateValue | undefined): StateValue {
  if (node.type !== 'parallel') return inner === undefined ? key : { [key]: inner };
  const children: AnyStateNode[] = Object.values(node.states);
  const initial = Object.fromEntries(
    children.map((one) => [one.key, one.initial.target[0]?.key ?? '']),
  );
  return { ...initial, [key]: inner ?? '' };
}

describe.each(allMachines.map((machine) => [machine.id, machine] as const))('%s', (id, machine) => {
  test.each(leavesOf(machine.root))('$path is lit when an actor is there', ({ path, value }) => {
    const snapshot = machine.resolveState({ value, context: {} });
    const lit = litIds(statesOf(snapshot), drawingOf(id).ids);
    expect(lit).toContain(path);
    const parts = path.split('_');
    for (let depth = 1; depth < parts.length; depth += 1) {
      expect(lit).toContain(parts.slice(0, depth).join('_'));
    }
  });
});

test('a state that no drawing has lights nothing', () => {
  expect(litIds(['Broken'], drawingOf('registry').ids)).toEqual(new Set());
});

const circuit = (state: string) => [`reachability.${state}`, 'quota.Free', 'pace.Idle'];

test.each<[string, string, Step, readonly string[]]>([
  [
    'an event of that name',
    'registry',
    { event: 'connection.failed', from: circuit('Closed'), to: circuit('Suspect') },
    ['reachability_Closed connection.failed reachability_Suspect'],
  ],
  [
    'an effect that ended, as its guard had it',
    'registry',
    {
      event: 'xstate.done.actor.0.registry.reachability.HalfOpen',
      ...{ from: circuit('HalfOpen'), to: circuit('Closed') },
    },
    ['reachability_HalfOpen ping ended [alive] reachability_Closed'],
  ],
  [
    'what leads out of any state of a region',
    'registry',
    { event: 'request.answered', from: circuit('Open'), to: circuit('Closed') },
    ['reachability_Any request.answered reachability_Closed'],
  ],
  [
    'a time that passed',
    'registry',
    {
      event: 'xstate.after.pingDelay.registry.reachability.Open',
      ...{ from: circuit('Open'), to: circuit('HalfOpen') },
    },
    ['reachability_Open after pingDelay reachability_HalfOpen'],
  ],
  [
    'an event and what followed at once',
    'mirrored-image',
    { event: 'retry.due', from: ['Failed'], to: ['Available'] },
    ['Failed retry.due Scheduled', 'Scheduled at once [isMirrored] Available'],
  ],
  [
    'into a frame, of which the actor names what is in it',
    'reconcile',
    {
      event: 'xstate.after.untilSettled.reconcile.Settling',
      ...{ from: ['Settling'], to: ['Working.Current'] },
    },
    ['Settling after untilSettled Working'],
  ],
  ['a beginning', 'registry', { event: 'xstate.init', from: [], to: circuit('Closed') }, []],
])('the arrow of %s is lit', (_, id, step, expected) => {
  const taken = [...takenArrows(step, drawingOf(id))];
  expect(taken.map(({ from, to, label }) => `${from} ${label} ${to}`)).toEqual(expected);
});

/**
 * Every view there is; each is loaded when somebody first goes there.
 *
 * @typedef {object} View
 * @property {string} name What the address calls it.
 * @property {string} title
 * @property {'now' | 'look' | 'ask'} [group] Where the navigation has it; what has none is reached by links.
 * @property {string} [icon] The path of a drawing of 20 by 20.
 * @property {() => Promise<Readonly<Record<string, unknown>>>} load
 * @property {string} component Its export.
 */

/** @type {readonly View[]} */
export const views = [
  {
    name: 'overview',
    title: 'Overview',
    group: 'now',
    icon: 'M3 3h6v8H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 13h6v4H3z',
    load: () => import('./views/overview.js'),
    component: 'OverviewView',
  },
  {
    name: 'map',
    title: 'Map',
    group: 'now',
    icon: 'M5 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 17a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 5.4l6 1.2M5.6 7l1.8 6M13.6 8.6 9.4 13.6',
    load: () => import('./views/map.js'),
    component: 'MapView',
  },
  {
    name: 'outage',
    title: 'Outage',
    group: 'now',
    icon: 'M2 11h4l2-6 4 11 2.5-5H18',
    load: () => import('./views/outage.js'),
    component: 'OutageView',
  },
  {
    name: 'decisions',
    title: 'Decisions',
    group: 'now',
    icon: 'M3 5h14M3 10h14M3 15h9',
    load: () => import('./views/decisions.js'),
    component: 'DecisionsView',
  },
  {
    name: 'pods',
    title: 'Pods',
    group: 'look',
    icon: 'M10 2.5 16.5 6v8L10 17.5 3.5 14V6zM3.5 6 10 9.5 16.5 6M10 9.5v8',
    load: () => import('./views/pods.js'),
    component: 'PodsView',
  },
  {
    name: 'actors',
    title: 'Actors',
    group: 'look',
    icon: 'M4 4h4v4H4zM12 4h4v4h-4zM8 12h4v4H8zM6 8v2h8V8M10 10v2',
    load: () => import('./views/actors.js'),
    component: 'ActorsView',
  },
  {
    name: 'machines',
    title: 'Machines',
    group: 'look',
    icon: 'M3 7h6v6H3zM15 10a2 2 0 1 0 .01 0M9 10h4M12 8l2 2-2 2',
    load: () => import('./views/machines.js'),
    component: 'MachinesView',
  },
  {
    name: 'route',
    title: 'Route',
    group: 'ask',
    icon: 'M4 16V9a4 4 0 0 1 4-4h8M13 2l3 3-3 3',
    load: () => import('./views/route.js'),
    component: 'RouteView',
  },
  {
    name: 'what-if',
    title: 'What if',
    group: 'ask',
    icon: 'M10 3v7M5.5 5.5a6.5 6.5 0 1 0 9 0',
    load: () => import('./views/what-if.js'),
    component: 'WhatIfView',
  },
  { name: 'pod', title: 'Pod', load: () => import('./views/pod.js'), component: 'PodView' },
  { name: 'actor', title: 'Actor', load: () => import('./views/actor.js'), component: 'ActorView' },
];

/** What one of many is shown by, once an address says which. */
const oneOf = new Map([
  ['pods', 'pod'],
  ['actors', 'actor'],
]);

/**
 * The view of an address, or undefined.
 *
 * @param {import('./router.js').Route} route
 * @returns {View | undefined}
 */
export function viewOf({ view, path }) {
  const name = path.length > 0 && path[0] !== '' ? (oneOf.get(view) ?? view) : view;
  return views.find((one) => one.name === name);
}

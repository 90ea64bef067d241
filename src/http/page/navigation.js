import { StateBadge } from './parts/state-badge.js';
import { html } from './preact.js';
import { linkToReplica, replicaOf } from './replicas.js';
import { routeTo } from './router.js';
import { useTheme } from './theme.js';
import { viewOf, views } from './views.js';

const groups = /** @type {const} */ ([
  ['now', 'Now'],
  ['look', 'Look into'],
  ['ask', 'Ask'],
]);

/**
 * @typedef {object} NavigationProps
 * @property {import('./router.js').Route} route
 * @property {readonly import('./replicas.js').Replica[]} replicas
 * @property {import('./connection.js').Connection} connection
 * @property {string | null} leader
 */

/**
 * Where to go, whose view it is, and the theme.
 *
 * @param {NavigationProps} props
 */
export function Navigation({ route, replicas, connection, leader }) {
  return html`
    <header class="side">
      <p class="brand"><a href="#/overview"><${Mark} />kuik</a></p>
      <${Whose} ...${{ route, replicas, connection, leader }} />
      <nav aria-label="Views">
        ${groups.map(
          ([group, title]) => html`
            <div class="nav-group">
              <p class="nav-title" id=${`nav-${group}`}>${title}</p>
              <ul aria-labelledby=${`nav-${group}`}>
                ${views
                  .filter((view) => view.group === group)
                  .map((view) => html`<${Entry} view=${view} route=${route} />`)}
              </ul>
            </div>
          `,
        )}
      </nav>
      <${ThemeSwitch} />
    </header>
  `;
}

function Mark() {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path d="M10 8v16M22 8l-9 8 9 8" />
  </svg>`;
}

/** @param {{ view: import('./views.js').View, route: import('./router.js').Route }} props */
function Entry({ view, route }) {
  const open = viewOf(route);
  const isOpen = open?.name === view.name || route.view === view.name;
  return html`
    <li>
      <a href=${routeTo(view.name)} aria-current=${isOpen ? 'page' : undefined} data-nav=${view.name}>
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${view.icon} /></svg>
        ${view.title}
      </a>
    </li>
  `;
}

/** @param {NavigationProps} props */
function Whose({ route, replicas, connection: { replica, lostAt }, leader }) {
  const others = replicas.filter(({ name }) => name !== replica);
  return html`
    <div class="whose" data-whose=${replica ?? ''}>
      <p class="whose-title">Seen by</p>
      <p class="whose-name" title="Circuits and decisions are each replica's own.">
        ${replica ?? '…'}
      </p>
      <p class="whose-state">
        ${
          lostAt === null
            ? html`<${StateBadge} state="Live" /> ${describeLeader(replica, leader)}`
            : html`<${StateBadge} state="NoAnswer" />`
        }
      </p>
      ${
        others.length > 0 &&
        html`<ul class="whose-others" aria-label="The same as another replica sees it">
          ${others.map(
            (other) =>
              html`<li><a href=${linkToReplica(route, other, replicas)}>${other.name}</a></li>`,
          )}
        </ul>`
      }
    </div>
  `;
}

/** @type {(replica: string | null, leader: string | null) => unknown} */
function describeLeader(replica, leader) {
  if (replica === null) return '';
  if (leader === null) return html`<span class="quiet">nobody leads</span>`;
  if (replicaOf(leader) === replica) return html`<span class="quiet">leads</span>`;
  return html`<span class="quiet">led by ${replicaOf(leader)}</span>`;
}

const themes = /** @type {const} */ ([
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]);

function ThemeSwitch() {
  const [theme, choose] = useTheme();
  return html`
    <div class="segmented theme-switch" role="group" aria-label="Theme">
      ${themes.map(
        ([name, title]) => html`
          <button type="button" aria-pressed=${String(theme === name)} onClick=${() => choose(name)}>
            ${title}
          </button>
        `,
      )}
    </div>
  `;
}

import { announce } from './announce.js';
import { operatorNow, useConnection } from './connection.js';
import { useAnswer } from './live.js';
import { Navigation } from './navigation.js';
import { ErrorNote } from './parts/error-note.js';
import { TimeAgo } from './parts/time-ago.js';
import { html, useEffect, useErrorBoundary, useMemo, useRef, useState } from './preact.js';
import { knownReplicas } from './replicas.js';
import { go, useRoute } from './router.js';
import { viewOf } from './views.js';

/** Who leads changes seldom; that somebody answers is seen by every other request. */
const leaderEveryMs = 5_000;

/** All that stands around a view: navigation, whose view it is, and what went wrong. */
export function Shell() {
  const route = useRoute();
  const replicas = useMemo(() => knownReplicas(route), [route]);
  const connection = useConnection();
  const { value } = useAnswer('/debug/', { everyMs: leaderEveryMs });
  const leader = /** @type {string | null} */ (value?.leader ?? null);
  return html`
    <a class="skip" href="#content" onClick=${skipToContent}>Skip to the content</a>
    <div class="shell">
      <${Navigation} ...${{ route, replicas, connection, leader }} />
      <main id="content" tabindex="-1">
        <${LostNote} connection=${connection} />
        <${Content} route=${route} />
      </main>
    </div>
    <div id="announcements" class="unseen" role="status" aria-live="polite"></div>
  `;
}

/** The fragment says which view is open, so a link into the page has to be followed by hand. */
function skipToContent(/** @type {Event} */ event) {
  event.preventDefault();
  document.querySelector('main')?.focus();
}

/** @param {{ connection: import('./connection.js').Connection }} props */
function LostNote({ connection: { replica, lostAt, heardAt } }) {
  const lost = lostAt !== null;
  const known = useRef(false);
  useEffect(() => {
    if (lost) announce('The operator does not answer. What is shown is not current.');
    else if (known.current) announce('The operator answers again.');
    known.current = lost;
  }, [lost]);
  if (!lost) return null;
  return html`
    <div class="banner" data-tone="bad">
      <strong>${replica ?? 'The operator'} does not answer.</strong>${' '}
      ${
        heardAt === null
          ? 'Nothing was heard of it yet.'
          : html`What is shown is from <${TimeAgo} at=${heardAt + operatorNow() - Date.now()} />.`
      } It is asked again and again.
    </div>
  `;
}

/** @param {{ route: import('./router.js').Route }} props */
function Content({ route }) {
  const view = viewOf(route);
  const loaded = useLoaded(view);
  useFocusOnArrival(view?.name, loaded.component !== null);
  if (view === undefined) {
    return html`<section class="view"><h1 tabindex="-1">There is no such view</h1>
      <p>The address asks for “${route.view}”. <a href="#/overview">Go to the overview.</a></p>
    </section>`;
  }
  if (loaded.error !== null) {
    return html`<section class="view"><h1 tabindex="-1">${view.title}</h1>
      <${ErrorNote} error=${`This view could not be loaded: ${loaded.error}`} /></section>`;
  }
  if (loaded.component === null) return html`<div class="view" aria-busy="true"></div>`;
  const { path, query } = route;
  return html`<${Guarded} key=${view.name} view=${loaded.component} ...${{ path, query, go }} />`;
}

/**
 * A view that breaks takes nothing else down.
 *
 * @param {import('./router.js').ViewProps & { view: any }} props
 */
function Guarded({ view: Component, ...props }) {
  const [error, retry] = useErrorBoundary((problem) => reportError(problem));
  if (error === undefined) return html`<${Component} ...${props} />`;
  return html`<section class="view"><h1 tabindex="-1">This view broke</h1>
    <${ErrorNote} error=${error instanceof Error ? error.message : String(error)} />
    <p><button type="button" onClick=${retry}>Try again</button></p>
  </section>`;
}

/**
 * @typedef {{ component: unknown, error: string | null }} Loaded
 */

/** @type {Map<string, unknown>} */
const components = new Map();

/** @type {(view: import('./views.js').View | undefined) => Loaded} */
function useLoaded(view) {
  const [failed, setFailed] = useState(
    /** @type {{ name: string, error: string } | null} */ (null),
  );
  const [, setTurn] = useState(0);
  useEffect(() => {
    if (view === undefined || components.has(view.name)) return;
    view.load().then(
      (module) => {
        components.set(view.name, module[view.component]);
        setTurn((turn) => turn + 1);
      },
      (error) => setFailed({ name: view.name, error: String(error) }),
    );
  }, [view]);
  const name = view?.name ?? '';
  return {
    component: components.get(name) ?? null,
    error: failed?.name === name ? failed.error : null,
  };
}

/** Whoever follows a link finds themselves at the heading of where it led. */
function useFocusOnArrival(/** @type {string | undefined} */ name, /** @type {boolean} */ isThere) {
  const before = useRef(/** @type {string | undefined} */ (undefined));
  useEffect(() => {
    if (!isThere && name !== undefined) return;
    const isFirst = before.current === undefined;
    if (before.current === name) return;
    before.current = name;
    const heading = /** @type {HTMLElement | null} */ (document.querySelector('main h1'));
    document.title = `${heading?.textContent ?? 'kuik'} · kuik`;
    if (isFirst) return;
    heading?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [name, isThere]);
}

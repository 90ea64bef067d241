import { announce } from '../announce.js';
import { count, matcher } from '../format.js';
import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { RegistryMap } from '../parts/registry-map.js';
import { TextFilter } from '../parts/text-filter.js';
import { TimeAgo } from '../parts/time-ago.js';
import { WorkloadTable } from '../parts/workload-table.js';
import { html, useEffect } from '../preact.js';
import { routeTo } from '../router.js';

/** The operator takes as long as 10 s where there are many workloads. */
const timeoutMs = 20_000;

/**
 * What would become of the workloads if registries died now: they are switched off on the page alone.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function WhatIfView({ query, go }) {
  /** @type {import('../live.js').Answer<import('../answers.js').RegistryMap>} */
  const map = useAnswer('/debug/map', { everyMs: 5_000 });
  const off = (query.registry ?? '').split(',').filter((host) => host !== '');
  const path =
    off.length === 0 ? null : `/debug/what-if?registry=${encodeURIComponent(off.join(','))}`;
  /** @type {import('../live.js').Answer<import('../answers.js').WhatIfReport>} */
  const report = useAnswer(path, { everyMs: 0, timeoutMs });
  useSpoken(report.value);
  const linkOf = (/** @type {string} */ host) => {
    const next = off.includes(host) ? off.filter((one) => one !== host) : [...off, host];
    return routeTo('what-if', [], { ...query, registry: next.join(',') });
  };
  return html`
    <section class="view" data-view="what-if" aria-labelledby="what-if-title">
      <${PageTitle}
        id="what-if-title"
        title="What if a registry died now?"
        lead="Switch registries off and see which workloads would move, and which could not start. It is a question: nothing is changed."
      />
      <${ErrorNote} error=${map.error} known=${map.value !== null} />
      ${map.value && html`<${Switches} map=${map.value} off=${off} linkOf=${linkOf} go=${go} />`}
      ${off.length > 0 && html`<${Outcome} ...${{ report, off, query, go }} />`}
    </section>
  `;
}

/** @param {import('../answers.js').WhatIfReport | null} report */
function useSpoken(report) {
  useEffect(() => {
    if (report === null) return;
    const { stranded, moving } = report;
    announce(`${count(stranded.length, 'workload')} could not start, ${moving.length} would move.`);
  }, [report]);
}

/**
 * @param {{
 *   map: import('../answers.js').RegistryMap,
 *   off: readonly string[],
 *   linkOf: (host: string) => string,
 *   go: import('../router.js').Go,
 * }} props
 */
function Switches({ map, off, linkOf, go }) {
  const states = new Map(off.map((host) => [host, 'Off']));
  const hosts = [...new Set([...map.nodes.map(({ host }) => host), ...off])];
  const podsOf = new Map(map.nodes.map(({ host, pods }) => [host, pods]));
  return html`
    <div class="card" data-part="switches">
      <fieldset class="switches">
        <legend>Registries that answer</legend>
        ${hosts.map(
          (host) => html`<label key=${host} class="switch" data-off=${String(off.includes(host))}>
            <input
              type="checkbox"
              role="switch"
              name=${host}
              checked=${!off.includes(host)}
              onChange=${() => go(linkOf(host), { replace: true })}
            />
            <span>${host}</span>
            <span class="quiet">${off.includes(host) ? 'switched off' : count(podsOf.get(host) ?? 0, 'Pod')}</span>
          </label>`,
        )}
      </fieldset>
      ${map.nodes.length > 0 && html`<${RegistryMap} map=${map} label="Map with those switched off" states=${states} linkOf=${linkOf} />`}
    </div>
  `;
}

/**
 * @param {{
 *   report: import('../live.js').Answer<import('../answers.js').WhatIfReport>,
 *   off: readonly string[],
 *   query: Readonly<Record<string, string>>,
 *   go: import('../router.js').Go,
 * }} props
 */
function Outcome({ report: { value, error, at, asking, refresh }, off, query, go }) {
  if (value === null && error !== null) return html`<${ErrorNote} error=${error} known=${false} />`;
  if (value === null) {
    return html`<p class="quiet" role="status">Each workload that runs from ${off.join(' or ')} is being decided about …</p>`;
  }
  const filter = query.q ?? '';
  const matches = matcher(filter);
  const { stranded, moving, staying, undecided } = value;
  /** @type {(workloads: readonly import('../answers.js').WorkloadChange[]) => readonly import('../answers.js').WorkloadChange[]} */
  const filtered = (workloads) => workloads.filter((workload) => matches(textOf(workload)));
  return html`
    <${ErrorNote} error=${error} />
    <dl class="figures" data-part="figures">
      <${Figure} tone="bad" title="could not start" value=${stranded.length} note=${podsOf(stranded)} />
      <${Figure} tone="good" title="would move" value=${moving.length} note=${podsOf(moving)} />
      <${Figure} tone="idle" title="would stay as they are" value=${staying} note="What they run is not pulled from there." />
      ${undecided > 0 && html`<${Figure} tone="warn" title="not decided about" value=${undecided} note="The time was over, or there are too many." />`}
    </dl>
    <div class="toolbar">
      <${TextFilter}
        label="Filter workloads and images by text"
        value=${filter}
        onChange=${(/** @type {string} */ q) => go(routeTo('what-if', [], { ...query, q }), { replace: true })}
      />
      <button type="button" onClick=${refresh} disabled=${asking}>${asking ? 'Asking …' : 'Ask again'}</button>
      <span class="quiet">As of <${TimeAgo} at=${at} /></span>
    </div>
    ${
      stranded.length + moving.length === 0
        ? html`<div class="card"><${Empty} title="No workload would notice">Nothing that runs now has to be pulled from ${off.join(' or ')}.<//></div>`
        : html`
            <${WorkloadTable} id="stranded" title="Could not start" workloads=${filtered(stranded)} tone="bad" />
            <${WorkloadTable} id="moving" title="Would move" workloads=${filtered(moving)} tone="good" />
          `
    }
  `;
}

/** @param {{ tone: string, title: string, value: number, note: string }} props */
function Figure({ tone, title, value, note }) {
  return html`<div class="figure" data-tone=${value > 0 ? tone : 'idle'}>
    <dt>${title}</dt>
    <dd class="figure-value">${value.toLocaleString('en')}</dd>
    <dd class="cell-note">${note}</dd>
  </div>`;
}

/** @type {(workloads: readonly import('../answers.js').WorkloadChange[]) => string} */
function podsOf(workloads) {
  return count(
    workloads.reduce((sum, { pods }) => sum + pods, 0),
    'Pod',
  );
}

/** @type {(workload: import('../answers.js').WorkloadChange) => string} */
function textOf({ namespace, kind, name, images }) {
  const texts = images.map(({ now, afterwards = '', by = '' }) => `${now} ${afterwards} ${by}`);
  return `${namespace}/${name} ${kind} ${texts.join(' ')}`;
}

import { announce } from '../announce.js';
import { useAnswer } from '../live.js';
import { html, useEffect, useRef, useState } from '../preact.js';
import { useVirtualRows } from '../virtual-rows.js';
import { ErrorNote } from './error-note.js';

/** As many as the operator hands out at once. */
const pageRows = 200;
/** Pages that somebody only scrolls past are not asked for. */
const settleMs = 80;
const rowHeight = 44;

/**
 * A table of any length: scrolled through as one, asked for in pages, and those pages that can be
 * seen are asked for again and again.
 *
 * @template Row
 * @typedef {object} LongTableProps
 * @property {string} path What is asked, with a query.
 * @property {(value: any) => readonly Row[]} rowsOf
 * @property {string} caption
 * @property {{ one: string, many: string }} noun
 * @property {string} name The class of the table.
 * @property {readonly string[]} columns
 * @property {(row: Row) => unknown} cells The first is the head of its row.
 * @property {unknown} empty What stands there when there is none.
 */

/** @param {LongTableProps<any>} props */
export function LongTable({ path, rowsOf, caption, noun, name, columns, cells, empty }) {
  const { total, error, isKnown, rowAt, look } = usePages(path, rowsOf);
  const { frame, indexes, above, below, measure, toTop } = useVirtualRows({
    ...{ count: total, rowHeight },
  });
  useEffect(() => look(indexes[0] ?? 0, indexes.at(-1) ?? 0));
  useEffect(toTop, [path]);
  useEffect(() => {
    if (isKnown) announce(countOf(total, noun));
  }, [path, isKnown]);
  if (isKnown && total === 0) {
    return html`<${ErrorNote} error=${error} /><div class="card">${empty}</div>`;
  }
  return html`
    <${ErrorNote} error=${error} known=${isKnown} />
    <div class="card" aria-busy=${String(!isKnown)} data-part="list">
      <p class="list-count quiet" data-total=${isKnown ? total : undefined}>${isKnown ? countOf(total, noun) : '…'}</p>
      <div class="long-list" ref=${frame} tabindex="0" role="region" aria-label=${caption}>
        <table class=${name} aria-rowcount=${total + 1}>
          <caption class="unseen">${caption}</caption>
          <thead>
            <tr>${columns.map((title) => html`<th scope="col">${title}</th>`)}</tr>
          </thead>
          <tbody>
            <${Room} height=${above} columns=${columns.length} />
            ${indexes.map(
              (
                index,
              ) => html`<tr key=${index} ref=${measure} data-index=${index} aria-rowindex=${index + 2}>
                ${rowAt(index) === undefined ? html`<td colspan=${columns.length} class="quiet">…</td>` : cells(rowAt(index))}
              </tr>`,
            )}
            <${Room} height=${below} columns=${columns.length} />
          </tbody>
        </table>
      </div>
    </div>
  `;
}

/** @type {(total: number, noun: { one: string, many: string }) => string} */
function countOf(total, { one, many }) {
  return `${total.toLocaleString('en')} ${total === 1 ? one : many}`;
}

/** What rows that are not drawn would take. @param {{ height: number, columns: number }} props */
function Room({ height, columns }) {
  if (height === 0) return null;
  return html`<tr class="room" aria-hidden="true"><td colspan=${columns} style=${{ height: `${height}px` }}></td></tr>`;
}

/**
 * The pages of a list that can be seen: one, or two where one ends.
 *
 * @param {string} path
 * @param {(value: any) => readonly unknown[]} rowsOf
 */
function usePages(path, rowsOf) {
  const [seen, setSeen] = useState({ path, first: 0, last: 0 });
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const kept = useRef({ path, total: 0, isKnown: false });
  useEffect(() => () => clearTimeout(timer.current), []);
  const { first, last } = seen.path === path ? seen : { first: 0, last: 0 };
  const upper = useAnswer(pathOf(path, first));
  const lower = useAnswer(last === first ? null : pathOf(path, last));
  if (kept.current.path !== path) kept.current = { path, total: 0, isKnown: false };
  const { total } = upper.value ?? lower.value ?? {};
  if (total !== undefined) kept.current = { path, total, isKnown: true };
  const pages = new Map([
    [last, lower.value],
    [first, upper.value],
  ]);
  return {
    total: kept.current.total,
    isKnown: kept.current.isKnown,
    error: upper.error ?? lower.error,
    rowAt: (/** @type {number} */ index) => {
      const value = pages.get(Math.floor(index / pageRows)) ?? null;
      return value === null ? undefined : rowsOf(value)[index % pageRows];
    },
    look: (/** @type {number} */ firstIndex, /** @type {number} */ lastIndex) => {
      const next = {
        first: Math.floor(firstIndex / pageRows),
        last: Math.floor(lastIndex / pageRows),
      };
      clearTimeout(timer.current);
      if (next.first === first && next.last === last) return;
      timer.current = setTimeout(() => setSeen({ path, ...next }), settleMs);
    },
  };
}

/** @type {(path: string, page: number) => string} */
function pathOf(path, page) {
  return page === 0 ? path : `${path}&offset=${page * pageRows}`;
}

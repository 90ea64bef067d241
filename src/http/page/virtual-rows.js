import { useLayoutEffect, useRef, useState } from './preact.js';
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from './vendor/virtual-core.js';

/** Rows that are drawn beyond what is seen, so that a turn of the wheel shows no gap. */
const overscan = 8;

/**
 * The rows of a long list that can be seen in its frame, and the room that those before and after
 * them take.
 *
 * @typedef {object} VirtualRows
 * @property {import('preact').RefObject<HTMLDivElement>} frame What scrolls.
 * @property {readonly number[]} indexes
 * @property {number} above Pixels.
 * @property {number} below Pixels.
 * @property {(row: Element | null) => void} measure For each row that is drawn, which says by `data-index` where it is.
 * @property {() => void} toTop
 */

/**
 * @param {{ count: number, rowHeight: number }} list About as high as a row is.
 * @returns {VirtualRows}
 */
export function useVirtualRows({ count, rowHeight }) {
  const frame = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [, setTurn] = useState(0);
  const options = {
    count,
    overscan,
    estimateSize: () => rowHeight,
    getScrollElement: () => frame.current,
    ...{ scrollToFn: elementScroll, observeElementRect, observeElementOffset },
    onChange: () => setTurn((turn) => turn + 1),
  };
  const [virtualizer] = useState(
    () => /** @type {Virtualizer<HTMLDivElement, Element>} */ (new Virtualizer(options)),
  );
  virtualizer.setOptions(options);
  // A browser that is on its way stops where the position is set: End would lead into the middle.
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = ({ start }) =>
    !virtualizer.isScrolling && start < (virtualizer.scrollOffset ?? 0);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  const items = virtualizer.getVirtualItems();
  return {
    frame,
    indexes: items.map(({ index }) => index),
    above: items[0]?.start ?? 0,
    below: virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0),
    measure: virtualizer.measureElement,
    toTop: () => virtualizer.scrollToOffset(0),
  };
}

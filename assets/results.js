// The results: which view is asked for, arrow keys from cell to cell, and the place kept when another table arrives.
(() => {
  'use strict';
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const panel = () => document.getElementById('ac-results');
  let pressed = null;

  document.addEventListener('click', (event) => {
    const button = event.target.closest('#ac-results [data-view]');
    if (!button) return;
    pressed = { id: button.id, left: panel().querySelector('.ac-scroll').scrollLeft };
    window.adapterComposer.view?.(JSON.parse(button.dataset.view));
  });

  // One cell is a stop for the Tab key: the first, until another had the focus.
  const stopAt = (cell) => {
    for (const other of panel().querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
    if (cell) cell.tabIndex = 0;
  };
  document.addEventListener('focusin', (event) => {
    const cell = event.target.closest?.('#ac-results td[tabindex]');
    if (cell) stopAt(cell);
  });
  document.addEventListener('keydown', (event) => {
    const cell = event.target.closest?.('#ac-results td[tabindex]');
    const step = STEPS[event.key];
    if (!cell || !step) return;
    event.preventDefault();
    const rows = [...cell.closest('table').rows];
    let [row, column] = [rows.indexOf(cell.parentElement) + step[0], cell.cellIndex + step[1]];
    while (rows[row] && step[0] && !rows[row].cells[column]?.hasAttribute('tabindex')) row += step[0];
    const next = rows[row]?.cells[column];
    if (next?.hasAttribute('tabindex')) next.focus();
  });

  const settle = () => {
    const box = panel()?.querySelector('.ac-scroll');
    if (!box) return;
    if (!box.querySelector('td[tabindex="0"]')) stopAt(box.querySelector('td[tabindex]'));
    if (!pressed || 'settled' in box.dataset) return;
    box.dataset.settled = '';
    box.scrollLeft = pressed.left;
    if (document.activeElement === document.body) document.getElementById(pressed.id)?.focus({ preventScroll: true });
  };
  new MutationObserver(settle).observe(document.documentElement, { childList: true, subtree: true });
})();

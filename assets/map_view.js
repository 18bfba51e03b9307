// What part of the map is in sight: wheel, pinch, drag, buttons and keys; a double click shows all of it again.
(() => {
  'use strict';
  const MOST = 12;
  const STEP = 1.6;
  const PASSING = 500;  // milliseconds: a page that scrolls past a map scrolls on
  let scrolled = 0;
  document.addEventListener('wheel', (event) => {
    if (!event.target.closest?.('.ac-map-stage')) scrolled = Date.now();
  }, { passive: true, capture: true });

  window.acMapView = (stage, canvas, changed) => {
    const view = { k: 1, x: 0, y: 0, dragged: false };
    const held = new Map();
    const bounded = (offset, size) => Math.min(0, Math.max(size - size * view.k, offset));
    const settle = () => {
      [view.x, view.y] = [bounded(view.x, stage.clientWidth), bounded(view.y, stage.clientHeight)];
      // one finger scrolls the page until the map is zoomed, and moves it then
      canvas.style.touchAction = view.k > 1 ? 'none' : 'pan-x pan-y';
      stage.classList.toggle('ac-zoomed', view.k > 1);
      for (const [way, end] of [['in', MOST], ['out', 1], ['all', 1]]) {
        const button = stage.querySelector(`[data-zoom="${way}"]`);
        if (button) button.setAttribute('aria-disabled', String(view.k === end));
      }
      changed();
    };
    const zoom = (factor, mx = stage.clientWidth / 2, my = stage.clientHeight / 2) => {
      const k = Math.min(MOST, Math.max(1, view.k * factor));
      [view.x, view.y] = [mx - (mx - view.x) * k / view.k, my - (my - view.y) * k / view.k];
      view.k = k;
      settle();
    };
    const reset = () => { Object.assign(view, { k: 1, x: 0, y: 0 }); settle(); };
    const within = (event) => {
      const frame = canvas.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };

    canvas.addEventListener('wheel', (event) => {
      const out = event.deltaY > 0;
      const end = out ? view.k <= 1 : view.k >= MOST;
      if (!event.ctrlKey && Date.now() - scrolled < PASSING) { scrolled = Date.now(); return; }
      if (end) { scrolled = Date.now(); return; }
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), ...within(event));
    }, { passive: false });
    canvas.addEventListener('dblclick', reset);

    const spread = () => { const [a, b] = [...held.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
    const middle = () => { const [a, b] = [...held.values()]; return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]; };
    canvas.addEventListener('pointerdown', (event) => {
      held.set(event.pointerId, within(event));
      view.dragged = false;
    });
    canvas.addEventListener('pointermove', (event) => {
      const from = held.get(event.pointerId);
      if (!from) return;
      const to = within(event);
      if (held.size === 2) {
        const before = spread();
        held.set(event.pointerId, to);
        if (before > 0) zoom(spread() / before, ...middle());
        view.dragged = true;
      } else if (view.k > 1 && (view.dragged || Math.hypot(to[0] - from[0], to[1] - from[1]) > 4)) {
        held.set(event.pointerId, to);
        [view.x, view.y] = [view.x + to[0] - from[0], view.y + to[1] - from[1]];
        view.dragged = true;
        settle();
      }
    });
    for (const kind of ['pointerup', 'pointercancel', 'pointerleave']) canvas.addEventListener(kind, (event) => held.delete(event.pointerId));

    stage.addEventListener('click', (event) => {
      const way = event.target.closest('[data-zoom]')?.dataset.zoom;
      if (way) way === 'all' ? reset() : zoom(way === 'in' ? STEP : 1 / STEP);
    });
    view.settle = settle;
    return view;
  };
})();

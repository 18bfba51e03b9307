// The neighbour map: painted, because eleven thousand points are too many for the page's tree.
(() => {
  'use strict';
  let [page, xs, ys, kinds, tasks, step] = [];
  const GRID = 65535;
  const MARGIN = 18;
  const SPOKES = 10;
  // where a name may stand from its place, the nearest first; further away, a line leads to it
  const SHIFTS = [[0, 0]];
  for (const reach of [22, 36, 52, 70, 90]) for (const turn of [-2, 2, -1, 1, -3, 3, 0, 4]) {
    const angle = (turn * Math.PI) / 4;
    SHIFTS.push([Math.round(1.6 * reach * Math.cos(angle)), Math.round(reach * Math.sin(angle))]);
  }
  const LED = 30;
  const read = new Map();

  const MARKS = [
    (c, x, y, r) => c.arc(x, y, r, 0, 7),
    (c, x, y, r) => c.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
    (c, x, y, r) => { c.moveTo(x, y - r * 1.25); c.lineTo(x + r * 1.15, y + r * 0.85); c.lineTo(x - r * 1.15, y + r * 0.85); c.closePath(); },
    (c, x, y, r) => { c.moveTo(x, y - r * 1.35); c.lineTo(x + r * 1.2, y); c.lineTo(x, y + r * 1.35); c.lineTo(x - r * 1.2, y); c.closePath(); },
    (c, x, y, r) => { c.moveTo(x, y + r * 1.25); c.lineTo(x + r * 1.15, y - r * 0.85); c.lineTo(x - r * 1.15, y - r * 0.85); c.closePath(); },
    (c, x, y, r) => { const w = r * 0.45; c.rect(x - w, y - r * 1.2, w * 2, r * 2.4); c.rect(x - r * 1.2, y - w, r * 2.4, w * 2); },
  ];
  const mark = (c, kind, x, y, r) => { c.beginPath(); MARKS[tasks[kind].mark % MARKS.length](c, x, y, r); c.fill(); };

  // Gradio makes the page after this script has run, so the data is read when the first map appears.
  const load = () => {
    if (page) return true;
    const holder = document.getElementById('ac-data');
    if (!holder) return false;
    page = JSON.parse(holder.dataset.page);
    if (!page.map) return false;
    const numbers = (text) => new Uint16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    [xs, ys, kinds] = [numbers(page.map.x), numbers(page.map.y), numbers(page.map.task)];
    ({ tasks, step } = page.map);
    return true;
  };

  const start = (box) => {
    const stage = box.querySelector('.ac-map-stage');
    const canvas = box.querySelector('canvas');
    const tip = box.querySelector('.ac-tip');
    const near = JSON.parse(box.dataset.near);
    const star = JSON.parse(box.dataset.star);
    const nearest = new Map(near.map((point) => [point[0], point]));
    const state = { family: null, row: null, picked: null, hover: null };
    let [width, height] = [0, 0];
    const view = window.acMapView(stage, canvas, () => { if (width) paint(); });
    const px = (x) => view.x + view.k * (MARGIN + x * (width - 2 * MARGIN));
    const py = (y) => view.y + view.k * (height - MARGIN - y * (height - 2 * MARGIN));

    const paint = () => {
      const dark = document.body.classList.contains('dark');
      const colors = page.palette[dark ? 'dark' : 'light'];
      const style = getComputedStyle(box);
      const [ink, surface] = [style.getPropertyValue('--ac-ink'), style.getPropertyValue('--ac-surface')];
      const ratio = devicePixelRatio || 1;
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      const c = canvas.getContext('2d');
      c.scale(ratio, ratio);
      const size = Math.max(1.7, Math.min(3.2, 120 / Math.sqrt(kinds.length))) * Math.min(2, Math.sqrt(view.k));
      const lit = (kind) => !state.family || tasks[kind].family === state.family;
      const faded = dark ? 0.5 : 0.34;
      for (const pass of [false, true]) {
        for (let i = 0; i < kinds.length; i++) {
          const kind = kinds[i];
          if (lit(kind) !== pass || nearest.has(i * step)) continue;
          c.globalAlpha = pass ? (state.family ? 0.8 : faded) : 0.1;
          c.fillStyle = colors[tasks[kind].family];
          mark(c, kind, px(xs[i] / GRID), py(ys[i] / GRID), size);
        }
      }
      c.globalAlpha = 1;
      if (star) {
        c.strokeStyle = ink;
        c.lineWidth = 1;
        c.globalAlpha = 0.45;
        for (const [, x, y] of near.slice(0, SPOKES)) {
          c.beginPath();
          c.moveTo(px(star[0]), py(star[1]));
          c.lineTo(px(x), py(y));
          c.stroke();
        }
      }
      for (let i = near.length - 1; i >= 0; i--) {
        const [, x, y, kind] = near[i];
        const r = i < SPOKES ? 5 : 3.4;
        c.globalAlpha = lit(kind) ? 1 : 0.25;
        c.fillStyle = surface;
        mark(c, kind, px(x), py(y), r + 1.5);
        c.fillStyle = colors[tasks[kind].family];
        mark(c, kind, px(x), py(y), r);
      }
      c.globalAlpha = 1;
      labels(c, ink, surface, lit);
      if (star) drawStar(c, px(star[0]), py(star[1]), ink, surface);
      for (const point of [state.row, state.picked, state.hover]) if (point) ring(c, px(point[1]), py(point[2]), ink);
    };

    const labels = (c, ink, surface, lit) => {
      const taken = star ? [[px(star[0]) - 14, py(star[1]) - 14, 28, 28]] : [];
      c.font = '600 11px "IBM Plex Sans", sans-serif';
      c.textAlign = 'center';
      c.textBaseline = 'middle';
      c.lineJoin = 'round';
      const weight = (kind) => near.reduce((sum, point) => sum + (point[3] === kind ? 1 : 0), 0);
      const free = (box) => !taken.some((t) => box[0] < t[0] + t[2] && t[0] < box[0] + box[2] && box[1] < t[1] + t[3] && t[1] < box[1] + box[3]);
      const named = [];
      // the tasks of the neighbours first: they must not lose their names, least of all to the star
      const order = [...tasks.keys()].filter(lit).sort((a, b) => weight(b) - weight(a));
      for (const kind of order) {
        const w = c.measureText(tasks[kind].name).width + 6;
        const [ax, ay] = [px(tasks[kind].at[0]), py(tasks[kind].at[1])];
        if (ax < 0 || ay < 0 || ax > width || ay > height) continue;
        const placed = ([dx, dy]) => [Math.min(Math.max(ax + dx, w / 2), width - w / 2), Math.min(Math.max(ay + dy, 8), height - 8)];
        const shift = SHIFTS.find((one) => { const [x, y] = placed(one); return free([x - w / 2, y - 8, w, 16]); });
        if (shift === undefined) continue;
        const [x, y] = placed(shift);
        taken.push([x - w / 2, y - 8, w, 16]);
        if (Math.hypot(x - ax, y - ay) > LED) {
          c.beginPath();
          c.moveTo(ax, ay);
          c.lineTo(x, y);
          c.lineWidth = 1;
          c.strokeStyle = ink;
          c.globalAlpha = 0.5;
          c.stroke();
          c.globalAlpha = 1;
        }
        named.push(tasks[kind].name);
        c.strokeStyle = surface;
        c.lineWidth = 4;
        c.strokeText(tasks[kind].name, x, y);
        c.fillStyle = ink;
        c.fillText(tasks[kind].name, x, y);
      }
      box.dataset.named = named.join(' ');
    };

    const drawStar = (c, x, y, ink, surface) => {
      c.beginPath();
      for (let i = 0; i < 10; i++) {
        const r = i % 2 ? 5 : 12;
        const angle = -Math.PI / 2 + (i * Math.PI) / 5;
        c.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
      }
      c.closePath();
      c.lineWidth = 4;
      c.strokeStyle = surface;
      c.stroke();
      c.fillStyle = ink;
      c.fill();
    };

    const ring = (c, x, y, ink) => {
      c.beginPath();
      c.arc(x, y, 9, 0, 7);
      c.lineWidth = 2;
      c.strokeStyle = ink;
      c.stroke();
    };

    const at = (event) => {
      const frame = canvas.getBoundingClientRect();
      const [mx, my] = [event.clientX - frame.left, event.clientY - frame.top];
      let best = null;
      let reach = 144;
      for (const point of near) {
        const d = (px(point[1]) - mx) ** 2 + (py(point[2]) - my) ** 2;
        if (d < reach) [best, reach] = [point, d];
      }
      if (best) return best;
      reach = 49;
      for (let i = 0; i < kinds.length; i++) {
        const d = (px(xs[i] / GRID) - mx) ** 2 + (py(ys[i] / GRID) - my) ** 2;
        if (d < reach) [best, reach] = [[i * step, xs[i] / GRID, ys[i] / GRID, kinds[i], null, null], d];
      }
      return best;
    };

    const fetchText = async (index) => {
      if (!read.has(index)) read.set(index, await box.closest('#ac-map').acServer.read_example(index));
      return read.get(index);
    };

    // only the neighbours have their text on the page
    const preview = (row) => (row && document.querySelector(`.ac-neighbours > li[data-row="${CSS.escape(row)}"] .ac-preview`)?.textContent) || 'Click to read it';

    canvas.addEventListener('pointermove', (event) => {
      const point = at(event);
      if (point?.[0] === state.hover?.[0]) return;
      state.hover = point;
      canvas.style.cursor = point ? 'pointer' : '';
      tip.hidden = !point;
      if (point) {
        const name = document.createElement('b');
        name.textContent = tasks[point[3]].name + (point[4] === null ? '' : ` · similarity ${point[4].toFixed(2)}`);
        const words = document.createElement('span');
        words.textContent = preview(point[5]);
        tip.replaceChildren(name, words);
        const above = py(point[2]) - tip.offsetHeight - 14;
        tip.style.left = `${Math.max(Math.min(px(point[1]) + 12, width - tip.offsetWidth - 4), 0)}px`;
        tip.style.top = `${above < 0 ? py(point[2]) + 16 : above}px`;
      }
      paint();
    });
    canvas.addEventListener('pointerleave', () => { state.hover = null; tip.hidden = true; paint(); });
    canvas.addEventListener('click', async (event) => {
      if (view.dragged) return;
      const point = state.hover || at(event); // a click's place is rounded to pixels; what the tooltip shows is meant
      if (!point) return;
      state.picked = point;
      paint();
      const example = await fetchText(point[0]);
      if (state.picked === point && example.text) show(document.querySelector('#ac-reading .ac-reading'), example, point[4]);
    });
    box.querySelector('.ac-legend').addEventListener('click', (event) => {
      const chip = event.target.closest('[data-family]');
      if (!chip) return;
      state.family = state.family === chip.dataset.family ? null : chip.dataset.family;
      for (const other of box.querySelectorAll('[data-family]')) other.setAttribute('aria-pressed', String(other.dataset.family === state.family));
      paint();
    });
    box.acHighlight = (row) => { state.row = near.find((point) => point[5] === row) || null; paint(); };
    new ResizeObserver(() => {
      [width, height] = [stage.clientWidth, stage.clientHeight];
      if (width && height) view.settle();
    }).observe(stage);
    box.acPaint = paint;
    box.acPicture = () => {
      const dark = document.body.classList.contains('dark');
      return window.acMapPicture(box, page.palette[dark ? 'dark' : 'light'], [...new Set(tasks.map((task) => task.family))]);
    };
  };

  const show = (pane, example, similarity) => {
    const title = document.createElement('h3');
    title.textContent = 'The example you clicked';
    const head = document.createElement('p');
    head.className = 'ac-reading-head';
    const dot = document.createElement('i');
    const name = document.createElement('b');
    name.textContent = example.task;
    const rest = document.createElement('span');
    rest.textContent = similarity === null ? example.title : `${example.title} · similarity ${similarity.toFixed(2)}`;
    head.append(dot, name, rest);
    const text = document.createElement('p');
    text.className = 'ac-reading-text';
    text.tabIndex = 0;
    text.textContent = example.text;
    pane.className = `ac-reading fam-${example.family}`;
    pane.replaceChildren(title, head, text);
  };

  const repaint = () => document.querySelectorAll('.ac-map[data-ready]').forEach((box) => box.acPaint?.());
  let watching = false;
  const startAll = () => {
    for (const box of document.querySelectorAll('.ac-map:not([data-ready])')) {
      if (!load()) return;
      box.dataset.ready = '';
      start(box);
      if (!watching) new MutationObserver(repaint).observe(document.body, { attributeFilter: ['class'] });
      watching = true;
    }
  };
  new MutationObserver(startAll).observe(document.documentElement, { childList: true, subtree: true });
  document.fonts?.addEventListener('loadingdone', repaint);
  for (const kind of ['pointerover', 'focusin']) {
    document.addEventListener(kind, (event) => {
      const row = event.target.closest?.('.ac-neighbours > li');
      document.querySelectorAll('.ac-map[data-ready]').forEach((box) => box.acHighlight?.(row?.dataset.row));
    });
  }
})();

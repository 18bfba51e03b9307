// What the server cannot do: theme, clipboard, stale marks, filtering the list. Text only ever becomes textContent.
(() => {
  'use strict';
  const page = (window.adapterComposer ??= {});
  const byId = (id) => document.getElementById(id);

  const plain = (name, value) => {
    if (name === 'options') return String(value ?? '').split('\n').map((line) => line.trim()).filter(Boolean).join('\n');
    if (name === 'methods') return [...(value ?? [])].sort().join(',');
    return typeof value === 'number' ? value.toFixed(4) : String(value ?? '').trim();
  };

  const answers = () => document.querySelector('#ac-answers .ac-answers');

  // In the section's head that comes before a panel.
  const sayStale = (panel, words) => {
    const heads = [...document.querySelectorAll('.ac-section .ac-stale-words')];
    const head = heads.filter((one) => one.compareDocumentPosition(panel) & Node.DOCUMENT_POSITION_FOLLOWING).pop();
    if (head && head.textContent !== words) head.textContent = words;
  };

  // The answers carry the inputs that made them. Where the form says otherwise, they are marked.
  let [latest, raw] = [null, null];
  const markStale = (changed = false) => {
    const shown = answers();
    if (!shown || !latest) return;
    // while the models work, nothing on show is of other inputs
    const made = JSON.parse(shown.dataset.run ?? '{}');
    const stale = Object.keys(made).some((name) => plain(name, made[name]) !== plain(name, latest[name]));
    if (changed || (!stale && shown.classList.contains('ac-stale'))) page.keep(raw, stale);
    shown.classList.toggle('ac-stale', stale);
    document.querySelector('.ac-finding')?.classList.toggle('ac-stale', stale);
    byId('ac-heat')?.classList.toggle('ac-stale-heat', stale);
    // top-p, top-k and kernel move the neighbours at once; another question does not
    const differs = (name) => name in made && plain(name, made[name]) !== plain(name, latest[name]);
    const elsewhere = ['question', 'passage', 'embed_options'].some(differs) || (latest.embed_options && differs('options'));
    byId('ac-story').classList.toggle('ac-stale-found', elsewhere);
    sayStale(byId('ac-found'), elsewhere ? 'These neighbours are of the question before. Compare to find those of this one.' : '');
    sayStale(byId('ac-heat'), stale ? 'These weights belong to earlier inputs.' : '');
    let bar = document.querySelector('.ac-stale-bar');
    if (stale && !bar) {
      bar = document.createElement('div');
      bar.className = 'ac-stale-bar';
      bar.setAttribute('role', 'status');
      const words = document.createElement('p');
      words.textContent = 'These answers belong to earlier inputs.';
      const again = document.createElement('button');
      again.type = 'button';
      again.textContent = 'Compare again';
      again.addEventListener('click', () => byId('ac-compare').click());
      bar.append(words, again);
      byId('ac-stale').append(bar);
    } else if (!stale && bar) bar.remove();
  };

  const copyLink = async () => {
    const shown = answers();
    const button = byId('ac-copy');
    const say = (words) => {
      const before = button.dataset.before ??= button.textContent;
      button.textContent = words;
      setTimeout(() => { button.textContent = before; }, 1500);
    };
    const link = shown?.dataset.link;
    if (!link) return say('Compare first');
    const base = JSON.parse(byId('ac-data').dataset.page).public_url || location.origin + location.pathname;
    const params = page.linkOf(shown);
    const url = `${base}?${params}`;
    let done = true;
    try {
      await navigator.clipboard.writeText(url);
    } catch {
      const area = document.createElement('textarea');
      area.value = url;
      document.body.append(area);
      area.select();
      done = document.execCommand('copy');
      area.remove();
    }
    // the link is that of the answers, which may be older than the form
    const kind = params.has('left') ? 'Copied without text' : shown.classList.contains('ac-stale') ? 'Copied as answered' : 'Copied';
    say(done ? kind : 'Copy failed');
  };

  const download = (name, url) => {
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    if (url.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(url), 1000);
  };

  const csvField = (value) => {
    // a leading = + - @ would be run as a formula by a spreadsheet
    const text = typeof value === 'number' ? String(value) : String(value).replace(/^[=+\-@\t\r]/, "'$&");
    return `"${text.replaceAll('"', '""')}"`;
  };

  const save = (kind) => {
    const trace = answers()?.dataset.trace;
    if (kind === 'map') {
      const picture = document.querySelector('.ac-map')?.acPicture?.();
      if (picture) download('adapter-composer-map.png', picture.toDataURL('image/png'));
      return;
    }
    if (!trace) return;
    if (kind === 'json') {
      download('adapter-composer-run.json', URL.createObjectURL(new Blob([JSON.stringify(JSON.parse(trace), null, 1)], { type: 'application/json' })));
      return;
    }
    const columns = ['task', 'text', 'distance', 'similarity', 'vote', 'row_id'];
    const rows = JSON.parse(trace).neighbours.map((n) => columns.map((column) => csvField(n[column])).join(','));
    download('adapter-composer-neighbours.csv', URL.createObjectURL(new Blob([[columns.join(','), ...rows].join('\r\n')], { type: 'text/csv' })));
  };

  Object.assign(page, {
    checkStale(names, values) {
      [latest, raw] = [Object.fromEntries(names.map((name, i) => [name, values[i]])), values];
      markStale(true);
    },
    copyLink,
  });

  // Gradio takes the system's theme when it starts; the one that was chosen here outlives a reload.
  const THEME = 'ac-theme';
  let theme = (() => { try { return localStorage.getItem(THEME); } catch { return null; } })();
  const keepTheme = (dark) => {
    theme = dark ? 'dark' : 'light';
    try { localStorage.setItem(THEME, theme); } catch { /* forbidden: it holds until the page is left */ }
  };
  const setTheme = () => {
    if (theme && document.body.classList.contains('dark') !== (theme === 'dark')) document.body.classList.toggle('dark', theme === 'dark');
  };
  const watchTheme = () => {
    setTheme();
    new MutationObserver(setTheme).observe(document.body, { attributeFilter: ['class'] });
  };
  if (document.body) watchTheme();
  else document.addEventListener('DOMContentLoaded', watchTheme);

  // A case in the gallery is answered far above it.
  const goToResults = (study) => {
    const story = byId('ac-fold');
    story.tabIndex = -1;
    story.setAttribute('aria-label', 'Results');
    story.scrollIntoView({ block: 'start' });
    story.focus({ preventScroll: true });
    announce(`Asking the case study “${study.querySelector('b').textContent}”. Its results are at the top of the page.`);
  };
  const announce = (words) => {
    let line = byId('ac-live');
    if (!line) {
      line = document.createElement('p');
      line.id = 'ac-live';
      line.setAttribute('role', 'status');
      document.body.append(line);
    }
    line.textContent = words;
  };

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.closest('#ac-rail')) {
      event.preventDefault();
      byId('ac-compare').click();
    }
  });

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-ask]')) {
      fold(!document.body.classList.contains('ac-asking'));
      if (document.body.classList.contains('ac-asking')) document.querySelector('#ac-question textarea').focus();
      return;
    }
    const toggle = event.target.closest('[data-theme-toggle]');
    if (toggle) {
      keepTheme(!document.body.classList.contains('dark'));
      setTheme();
      return;
    }
    const study = event.target.closest('#ac-gallery [data-case]');
    if (study) goToResults(study);
    const wanted = event.target.closest('[data-export]');
    if (wanted) save(wanted.dataset.export);
    const made = event.target.closest('[data-make]');
    if (made) window.adapterComposer.make?.(made.dataset.make);
    const filter = event.target.closest('[data-filter]');
    if (!filter) return;
    const list = filter.closest('.ac-list');
    for (const chip of list.querySelectorAll('[data-filter]')) chip.setAttribute('aria-pressed', String(chip === filter));
    for (const row of list.querySelectorAll('.ac-neighbours > li')) row.hidden = Boolean(filter.dataset.filter) && row.dataset.task !== filter.dataset.filter;
  });

  // One tooltip for every explained word: within the window, and read out with the word that has the focus.
  let [hint, explained] = [null, null];
  const place = () => {
    const at = explained.getBoundingClientRect();
    const above = at.top - hint.offsetHeight - 8;
    hint.style.left = `${Math.max(8, Math.min(at.left, innerWidth - hint.offsetWidth - 8))}px`;
    hint.style.top = `${above < 8 ? at.bottom + 8 : above}px`;
  };
  const explain = (word) => {
    explained?.removeAttribute('aria-describedby');
    explained = word?.dataset.hint ? word : null;
    if (hint) hint.hidden = !explained;
    if (!explained) return;
    if (!hint) {
      hint = document.createElement('div');
      hint.id = 'ac-hint';
      hint.setAttribute('role', 'tooltip');
      document.body.append(hint);
    }
    hint.textContent = explained.dataset.hint;
    explained.setAttribute('aria-describedby', hint.id);
    place();
  };
  document.addEventListener('focusin', (event) => explain(event.target.closest?.('[data-hint]')));
  document.addEventListener('pointerover', (event) => {
    const word = event.target.closest?.('[data-hint]');
    // a page that scrolls to the word with the focus moves under the pointer
    if (word || explained !== document.activeElement) explain(word);
  });
  document.addEventListener('focusout', () => explain(null));
  document.addEventListener('scroll', () => { if (explained) place(); }, { capture: true, passive: true });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') explain(null); });

  // On a phone the form is folded away behind a button, and away again as soon as a question is on its way.
  const fold = (open) => {
    document.body.classList.toggle('ac-asking', open);
    document.querySelector('[data-ask]')?.setAttribute('aria-expanded', String(open));
  };
  const narrow = matchMedia('(max-width: 1000px)');

  // Gradio replaces the content of a panel as a whole; whatever belongs to it is done again then.
  let wasBusy = false;
  const settle = () => {
    markStale();
    fetchMade();
    const busy = Boolean(document.querySelector('#ac-answers [aria-busy]'));
    const state = document.querySelector('.ac-pill [data-state]');
    if (!state) return;
    if (busy || wasBusy) say(state, busy);
    fold(document.body.classList.contains('ac-asking') && !(busy && !wasBusy));
    if (busy && !wasBusy && narrow.matches) {
      const { top } = byId('ac-fold').getBoundingClientRect();
      if (top < 0 || top > innerHeight * 0.4) byId('ac-fold').scrollIntoView({ block: 'start' });
    }
    wasBusy = busy;
  };

  // Gradio tells a visitor's place as "queue: 2/5"; the last one before the model is not waiting any more.
  const say = (state, busy) => {
    const place = /queue: (\d+)\/(\d+)/.exec(byId('ac-queue')?.textContent ?? '');
    const words = page.lost ? 'no connection' : !busy ? 'ready' : place ? `queued, ${place[1]} of ${place[2]}` : 'answering';
    if (state.textContent !== words) state.textContent = words;
    state.removeAttribute('data-hint');
    const pill = state.closest('.ac-pill');
    pill.classList.toggle('ac-busy', busy);
    pill.classList.remove('ac-cold');
  };

  // A file that the server made for this visitor: its link is followed once.
  const fetchMade = () => {
    const link = document.querySelector('#ac-made a[data-made]:not([data-taken])');
    if (!link) return;
    link.dataset.taken = '';
    link.click();
  };
  let planned = false;
  new MutationObserver(() => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => { planned = false; settle(); });
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
})();

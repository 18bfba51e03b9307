// The address bar is the state: a run each, which back, forward, reload and a restarted server bring back. What is typed
// and not asked yet waits in the tab's own storage.
(() => {
  'use strict';
  const page = (window.adapterComposer ??= {});
  const DRAFT = 'ac-draft';
  const SPACES = 'https://huggingface.co';
  let link = null;  // of the run whose address was settled last
  let next = location.search || history.state?.run ? 'replace' : 'stay';
  let typing = false;  // before the address has been opened, the form holds nobody's words

  const store = {
    get: () => { try { return JSON.parse(sessionStorage.getItem(DRAFT)); } catch { return null; } },
    set: (value) => { try { sessionStorage.setItem(DRAFT, JSON.stringify(value)); } catch { /* full, or forbidden: nothing is kept */ } },
    clear: () => { try { sessionStorage.removeItem(DRAFT); } catch { /* forbidden */ } },
  };

  // A case study is named and not spelled out: the link stays short.
  page.linkOf = (shown) => {
    const slug = document.querySelector('#ac-note [data-study]')?.dataset.study;
    const params = new URLSearchParams(shown.dataset.link);
    if (!slug) return params;
    for (const key of ['q', 'o', 'passage', 'left']) params.delete(key);
    return new URLSearchParams([['case', slug], ...params]);
  };

  const tellSpace = (search) => {
    const data = document.getElementById('ac-data');
    if (window.parent === window || !data || !JSON.parse(data.dataset.page).public_url) return;
    window.parent.postMessage({ queryString: search, hash: '' }, SPACES);
  };

  const settle = (shown) => {
    const before = link;
    link = shown.dataset.link;
    if (link === before) return;
    if (before === null || next === 'stay') return;  // what was served with the page has no address of its own
    const search = page.linkOf(shown).toString();
    const state = { run: JSON.parse(shown.dataset.run) };
    history[next === 'push' ? 'pushState' : 'replaceState'](state, '', `?${search}`);
    tellSpace(search);
    next = 'stay';
  };

  document.addEventListener('click', (event) => {
    if (event.target.closest('#ac-compare, #ac-chips [data-case], #ac-gallery [data-case]')) next = 'push';
  });

  window.addEventListener('popstate', () => {
    next = 'stay';
    page.go?.();
    tellSpace(location.search.slice(1));
  });

  // For the server: the address, and what this tab kept of the run there, whole where the address is not.
  page.here = () => JSON.stringify({ search: location.search, kept: history.state?.run ?? null });

  // straight from the page: without a server, Gradio tells of no change
  const TEXTS = ['question', 'options', 'passage'];
  document.addEventListener('input', (event) => {
    if (!event.target.closest('#ac-rail')) return;
    typing = true;
    const draft = store.get();
    const values = draft?.search === location.search ? draft.values : null;
    const texts = TEXTS.map((name) => document.querySelector(`#ac-${name} textarea`)?.value ?? null);
    store.set({ search: location.search, values, texts });
  }, true);

  page.restored = (values) => {
    if (typing) return values;  // whoever types already wants no older words
    typing = true;
    const draft = store.get();
    if (draft?.search !== location.search) return values;
    const kept = draft.values?.length === values.length ? draft.values : values;
    return kept.map((value, i) => draft.texts?.[i] ?? value);
  };

  page.keep = (values, stale) => {
    if (!typing) return;
    if (stale) store.set({ search: location.search, values });
    else store.clear();
  };

  new MutationObserver(() => {
    const shown = document.querySelector('#ac-answers [data-link]');
    if (shown) settle(shown);
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ['data-link'] });
})();

// What became of a request that got no answer: one sentence beside the button, and no other message for it.
(() => {
  'use strict';
  const page = (window.adapterComposer ??= {});
  const ASKS = /\/queue\/join|\/run\/|\/component_server/;
  const RECENT = 5000;
  const KEPT = 'What you typed is kept, and this page comes back with it by itself';
  const BELOW = 'Your last result is still below.';
  let last = null;

  const words = ({ status, detail }) => {
    if (status === 503) return detail || 'The server takes no questions just now (503). Try again in a minute.';
    if (status >= 500) return `The server failed at this (${status}); its log has the details. ${BELOW}`;
    return `The server refused this (${status})${detail ? `: ${detail}` : '.'} ${BELOW}`;
  };

  const tell = (text) => {
    const place = document.querySelector('#ac-trouble .ac-error');
    if (place && place.textContent !== text) place.textContent = text;
  };

  const noted = async (answer) => {
    const body = await answer.clone().json().catch(() => ({}));
    last = { at: Date.now(), status: answer.status, detail: typeof body?.detail === 'string' ? body.detail : '' };
  };

  // Gradio hands no reason to whoever follows a failure, so that it is noted here.
  const original = window.fetch;
  window.fetch = async (...given) => {
    const answer = await original(...given);
    const asked = String(given[0]?.url ?? given[0]);
    if (!answer.ok && ASKS.test(asked)) await noted(answer);
    return answer;
  };

  page.failed = () => {
    const known = last && Date.now() - last.at < RECENT;
    tell(known ? words(last) : `The server could not finish this; its log has the details. ${BELOW}`);
  };

  // Gradio tries every two seconds, and loads the page anew when the server is there again.
  const watch = () => {
    if (page.lost) return;
    const toast = [...document.querySelectorAll('.toast-body')].some((one) => one.textContent.includes('Connection to the server was lost'));
    if (!toast) return;
    page.lost = true;
    tell(navigator.onLine ? `The server does not answer: it has stopped, or is starting again. ${KEPT}.` : `You are offline. ${KEPT} when you are not.`);
    const waiting = document.querySelector('#ac-answers [aria-busy]');
    if (!waiting) return;
    waiting.querySelector('.ac-waiting')?.replaceChildren('No answer came.');
    for (const one of [waiting, ...waiting.querySelectorAll('[aria-busy]')]) one.removeAttribute('aria-busy');
  };
  new MutationObserver(watch).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener('click', (event) => {
    if (!page.lost && event.target.closest('#ac-compare, [data-case]')) tell('');
  });
})();

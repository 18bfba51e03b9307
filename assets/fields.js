// Number fields: only what can be asked reaches the page. All else is said at the field, and knob and field agree again.
(() => {
  'use strict';
  const PAUSE = 900;
  const timers = new WeakMap();
  const own = (target) => target?.closest?.('#ac-rail input[data-testid="number-input"]');
  const knob = (field) => field.closest('.wrap').querySelector('input[type=range]');

  const fault = (field) => {
    const { min, max, step } = knob(field);
    const whole = Number(step) === 1;
    const value = field.value.trim() === '' ? NaN : Number(field.value);
    if (value >= Number(min) && value <= Number(max) && !(whole && value % 1)) return '';
    const typed = field.value.trim() ? `${field.value.trim().slice(0, 20)} cannot be used` : 'A number is needed';
    return `${typed}: give ${whole ? 'a whole number' : 'one'} from ${min} to ${max}. It stays at ${knob(field).value}.`;
  };

  const tell = (field, words) => {
    const box = field.closest('.wrap');
    let line = box.querySelector('.ac-field-error');
    if (!line && words) {
      line = document.createElement('p');
      line.className = 'ac-field-error';
      line.id = `${knob(field).id}_error`;
      line.setAttribute('role', 'alert');
      box.append(line);
    }
    if (line) line.textContent = words;
    const said = { 'aria-invalid': 'true', 'aria-describedby': line?.id };
    for (const [name, value] of Object.entries(said)) words ? field.setAttribute(name, value) : field.removeAttribute(name);
  };

  // in the capturing phase: Gradio does not hear of what is stopped here
  document.addEventListener('input', (event) => {
    const field = own(event.target);
    if (!field) {
      const other = event.target.closest?.('#ac-rail .wrap')?.querySelector('input[data-testid="number-input"]');
      if (other && event.target.type === 'range') tell(other, '');
      return;
    }
    clearTimeout(timers.get(field));
    const words = fault(field);
    if (!words) return tell(field, '');
    event.stopImmediatePropagation();
    // a pause, since every number is a bad one while it is half typed
    timers.set(field, setTimeout(() => tell(field, words), PAUSE));
  }, true);

  const settle = (event) => {
    const field = own(event.target);
    const words = field && fault(field);
    if (!words) return;
    clearTimeout(timers.get(field));
    tell(field, words);
    field.value = knob(field).value;
  };
  document.addEventListener('change', settle, true);
  document.addEventListener('focusout', settle, true);
  document.addEventListener('click', (event) => {
    const reset = event.target.closest('#ac-rail .reset-button, #ac-reset, [data-case]');
    if (reset) for (const field of document.querySelectorAll('#ac-rail [aria-invalid]')) tell(field, '');
  });
})();

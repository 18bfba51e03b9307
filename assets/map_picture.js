// The map as a picture that explains itself: the question above it, the families' colors and the caption beneath.
(() => {
  'use strict';
  const PAD = 20;
  const FONT = '"IBM Plex Sans", sans-serif';

  const lines = (c, text, width) => {
    const found = [''];
    for (const word of text.split(/\s+/)) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (c.measureText(longer).width <= width) found[found.length - 1] = longer;
      else found.push(word);
    }
    if (found.length <= 3) return found;
    return [...found.slice(0, 2), `${found[2]} …`];
  };

  // Chips from left to right, in as many rows as they need.
  const rowsOf = (c, names, width) => {
    let [x, y] = [0, 0];
    return names.map((name) => {
      const wide = c.measureText(name).width + 34;
      if (x + wide > width && x) [x, y] = [0, y + 20];
      const place = { name, x, y };
      x += wide;
      return place;
    });
  };

  window.acMapPicture = (box, colors, families) => {
    const canvas = box.querySelector('canvas');
    const ratio = canvas.width / canvas.clientWidth;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const style = getComputedStyle(box);
    const [ink, soft, surface] = ['--ac-ink', '--ac-soft', '--ac-surface'].map((name) => style.getPropertyValue(name));
    const picture = document.createElement('canvas');
    const c = picture.getContext('2d');
    c.font = `600 15px ${FONT}`;
    const title = lines(c, box.dataset.question, width);
    c.font = `12px ${FONT}`;
    const legend = rowsOf(c, families, width);
    const caption = lines(c, '★ is the question; lines lead to its ten nearest examples. Positions are approximate.', width);
    const head = PAD + title.length * 21 + 8;
    const foot = legend.at(-1).y + 30 + caption.length * 17;
    [picture.width, picture.height] = [(width + 2 * PAD) * ratio, (head + height + 12 + foot + PAD) * ratio];
    c.scale(ratio, ratio);
    c.fillStyle = surface;
    c.fillRect(0, 0, picture.width, picture.height);
    c.fillStyle = ink;
    c.font = `600 15px ${FONT}`;
    title.forEach((line, i) => c.fillText(line, PAD, PAD + 14 + i * 21));
    c.drawImage(canvas, PAD, head, width, height);
    c.font = `12px ${FONT}`;
    const top = head + height + 22;
    for (const { name, x, y } of legend) {
      c.fillStyle = colors[name];
      c.beginPath();
      c.arc(PAD + x + 5, top + y - 4, 5, 0, 7);
      c.fill();
      c.fillStyle = ink;
      c.fillText(name, PAD + x + 15, top + y);
    }
    c.fillStyle = soft;
    caption.forEach((line, i) => c.fillText(line, PAD, top + legend.at(-1).y + 24 + i * 17));
    return picture;
  };
})();

// The small card that says what is under the pointer.
import {bitsText} from './plans.js';

const card = document.getElementById('details');

/** What is known of a position, in words. */
export function positionText(text, position, bits) {
  const plan = text.plans[position];
  const words = [
    `position ${position}`,
    `token ${text.tokens[position]} ${quoted(text.pieces[position])}`,
  ];
  if (bits > 0) {
    words.push(plan === null ? 'plan not known yet' : `plan ${plan}`);
  }
  return words.join(' · ');
}

/** The text of a token between quotation marks, with control characters as one would type them. */
export const quoted = (piece) =>
  piece === ''
    ? '(part of a character)'
    : `“${piece.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}”`;

/** Shows lines beside a box of the page. */
export function show(box, lines) {
  card.replaceChildren(
    ...lines.map((line) => {
      const element = document.createElement('div');
      element.textContent = line;
      return element;
    }),
  );
  card.hidden = false;
  const {width, height} = card.getBoundingClientRect();
  const left = Math.min(Math.max(box.left, 8), document.documentElement.clientWidth - width - 8);
  const above = box.top - height - 6;
  card.style.left = `${Math.max(left, 8)}px`;
  card.style.top = `${above > 0 ? above : box.bottom + 6}px`;
}

export function hide() {
  card.hidden = true;
}

/** Shows what is known of the token under the pointer. */
export function follow(text, bits) {
  text.element.addEventListener('pointerover', (event) => {
    const position = event.pointerType === 'touch' ? -1 : text.positionOf(event);
    if (position < 0) {
      hide();
      return;
    }
    const plan = text.plans[position];
    const lines = [positionText(text, position, bits)];
    if (bits > 0 && plan !== null) {
      lines.push(`bits ${bitsText(plan, bits)} (bit 0 first)`);
    }
    show(text.boxOf(position), lines);
  });
  text.element.addEventListener('pointerleave', hide);
}
window.addEventListener('scroll', hide, {passive: true});

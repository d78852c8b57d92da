// Bits of plans, and how plans are coloured.

export const bitOf = (plan, bit) => (plan >>> bit) & 1;

export const withFlipped = (plan, bit) => (plan ^ (1 << bit)) >>> 0;

/** Bit 0 first, in groups of four. */
export const bitsText = (plan, bits) =>
  Array.from({length: bits}, (_, bit) => bitOf(plan, bit) + (bit % 4 === 3 ? ' ' : ''))
    .join('')
    .trim();

/**
 * Classes of tokens.css that colour a token.
 *
 * By plan: four bits choose one of 16 grounds, four more one of 16 edges, so that plans of up to
 * 8 bits all differ. Longer plans are folded over these; a flipped bit always changes the colour.
 *
 * @param colouring "plan", "none" or the number of a bit
 */
export function coloursOf(plan, bits, colouring) {
  if (plan === undefined || plan === null || colouring === 'none') {
    return '';
  }
  if (colouring !== 'plan') {
    return bitOf(plan, Number(colouring)) ? ' one' : ' zero';
  }
  const folded = (plan ^ (plan >>> 8) ^ (plan >>> 16) ^ (plan >>> 24)) & 0xff;
  return ` ground-${folded & 15}` + (bits > 4 ? ` edge-${folded >> 4}` : '');
}

/**
 * A column of cells, one for each bit, as a CSS image.
 *
 * @param shares of the colour for 1, by bit; ½ is the colour of not knowing
 */
export function cellsImage(shares) {
  const stops = [];
  for (let from = 0, to; from < shares.length; from = to) {
    to = from + 1;
    while (to < shares.length && shares[to] === shares[from]) {
      to++;
    }
    stops.push(`${cellColour(shares[from])} calc(${from} * var(--cell)) calc(${to} * var(--cell))`);
  }
  return `linear-gradient(to bottom, ${stops.join(', ')})`;
}

function cellColour(share) {
  const end = `var(--bit-${share < 0.5 ? 'zero' : 'one'})`;
  const certainty = Math.round(Math.abs(share - 0.5) * 200);
  return certainty === 100 ? end : `color-mix(in oklab, var(--bit-half), ${end} ${certainty}%)`;
}

/** The plan's bits as shares for {@link cellsImage}. */
export const sharesOf = (plan, bits) => Array.from({length: bits}, (_, bit) => bitOf(plan, bit));

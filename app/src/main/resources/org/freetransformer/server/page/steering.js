// The chosen position: what its plan is, and what one can do about it.
import {positionText} from './details.js';
import {bitOf, withFlipped} from './plans.js';

const dock = document.getElementById('steering');
const chosen = document.getElementById('chosen');
const bitRow = document.getElementById('bits');
const writeAgain = document.getElementById('write-again');
const otherFromHere = document.getElementById('other-from-here');
const undo = document.getElementById('undo-edits');

export class Steering {
  #bits;
  #textsOnPage;
  #at;

  /**
   * @param textsOnPage gives the texts in which equal plans are to be marked
   * @param actions {writeAgain, otherFrom}: are given plans, words on where they come from, and
   *     {run, sample, position}
   */
  constructor(bits, textsOnPage, actions) {
    this.#bits = bits;
    this.#textsOnPage = textsOnPage;
    bitRow.replaceChildren(...Array.from({length: bits}, (_, bit) => this.#bitButton(bit)));
    document.getElementById('close-steering').addEventListener('click', () => this.close());
    undo.addEventListener('click', () => this.#undo());
    writeAgain.addEventListener('click', () => {
      const {run, sample, position, edits} = this.#at;
      const flipped = edits.size === 0 ? '' : `, changed at ${places([...edits.keys()])}`;
      const plans = this.#plans();
      this.#undo();
      actions.writeAgain(plans, `of sample ${sample + 1}${flipped}`, {run, sample, position});
    });
    otherFromHere.addEventListener('click', () => {
      const {run, sample, position} = this.#at;
      const plans = this.#plans().slice(0, position);
      this.#undo();
      actions.otherFrom(plans, `of sample ${sample + 1}, before position ${position}`, {
        run,
        sample,
        position,
      });
    });
    dock.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.#at.text.element.focus();
      }
    });
  }

  /** Shows a position of a sample. */
  choose(run, sample, position, text) {
    const edits = this.#at?.text === text ? this.#at.edits : new Map();
    if (this.#at && this.#at.text !== text) {
      this.#undo();
      this.#at.text.choose(-1);
    }
    this.#at = {run, sample, position, text, edits};
    text.choose(position);
    dock.hidden = false;
    this.#show();
    // What is chosen must not lie under what is said of it.
    const hidden = text.boxOf(position).bottom - dock.getBoundingClientRect().top;
    if (hidden > 0) {
      window.scrollBy(0, hidden + 16);
    }
  }

  /** Keyboard: from the text to the bits. */
  enter() {
    bitRow.querySelector('button')?.focus();
  }

  close() {
    if (!this.#at) {
      return;
    }
    this.#undo();
    this.#at.text.choose(-1);
    this.#textsOnPage().forEach((text) => text.mark('same', () => false));
    this.#at = undefined;
    dock.hidden = true;
  }

  #planHere() {
    const {text, position, edits} = this.#at;
    return edits.get(position) ?? text.plans[position];
  }

  #plans() {
    const {text, edits} = this.#at;
    return text.plans.map((plan, position) => edits.get(position) ?? plan);
  }

  #flip(bit) {
    const {text, position, edits} = this.#at;
    const plan = withFlipped(this.#planHere(), bit);
    if (plan === text.plans[position]) {
      edits.delete(position);
    } else {
      edits.set(position, plan);
    }
    this.#show();
  }

  #undo() {
    this.#at.edits.clear();
    this.#show();
  }

  #show() {
    const {run, sample, position, text, edits} = this.#at;
    const plan = this.#planHere();
    const known = run.isComplete && plan !== null;
    const edited = edits.has(position) ? ` → ${plan}` : '';
    chosen.textContent =
      (run.texts.length > 1 ? `Sample ${sample + 1} · ` : '') +
      positionText(text, position, this.#bits) +
      edited;
    this.#showEqual(plan, known);
    [...bitRow.children].forEach((button, bit) => {
      const value = known ? bitOf(plan, bit) : '–';
      const flipped = known && bitOf(plan, bit) !== bitOf(text.plans[position], bit);
      button.disabled = !known;
      button.className = (value === 1 ? 'one' : 'zero') + (flipped ? ' flipped' : '');
      button.lastChild.textContent = value;
      button.setAttribute('aria-pressed', String(value === 1));
    });
    writeAgain.disabled = !run.isComplete;
    otherFromHere.disabled = !run.isComplete;
    undo.hidden = edits.size === 0;
    text.mark('flipped', (at) => edits.has(at));
  }

  #showEqual(plan, known) {
    let equal = 0;
    for (const text of this.#textsOnPage()) {
      text.mark('same', (at) => {
        const same = known && text.plans[at] === plan;
        equal += same ? 1 : 0;
        return same;
      });
    }
    if (known && equal > 1) {
      chosen.textContent += ` · the same plan at ${equal} places`;
    }
  }

  #bitButton(bit) {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = `flip bit ${bit}`;
    button.setAttribute('aria-label', `Bit ${bit}`);
    const number = document.createElement('span');
    number.className = 'number';
    number.textContent = bit;
    button.append(number, document.createElement('span'));
    button.addEventListener('click', () => this.#flip(bit));
    return button;
  }
}

const places = (positions) =>
  (positions.length === 1 ? 'position ' : 'positions ') +
  positions.toSorted((a, b) => a - b).join(', ');

// A text as a row of tokens, each coloured by the plan of its position.
import {Cursor} from './cursor.js';
import {cellsImage, coloursOf, sharesOf} from './plans.js';

let count = 0;

/** The piece of text that a token adds; spaces and new lines are seen, and stay what they are. */
export function pieceOf(piece) {
  const element = document.createElement('span');
  element.setAttribute('role', 'option');
  if (!/[\s]/.test(piece)) {
    element.textContent = piece;
    return element;
  }
  for (const part of piece.split(/(\n|\t| )/)) {
    if (part === '\n' || part === '\t' || part === ' ') {
      const blank = document.createElement('span');
      blank.className = {'\n': 'line-end', '\t': 'tab', ' ': 'space'}[part];
      blank.textContent = part;
      element.append(blank);
    } else if (part !== '') {
      element.append(part);
    }
  }
  return element;
}

export class TokenText {
  tokens = [];
  pieces = [];
  plans = [];
  element = document.createElement('div');
  #chips = [];
  #bits;
  #look;
  #cursor;

  /**
   * @param label for screen readers
   * @param look {colouring, showBits} of all texts
   * @param onChoose is given the position that was clicked or moved to
   */
  constructor(label, bits, look, onChoose) {
    this.#bits = bits;
    this.#look = look;
    this.element.className = 'text mono';
    this.element.id = `text-${count++}`;
    this.element.setAttribute('aria-label', label);
    this.#cursor = new Cursor(this.element, this.#chips, onChoose);
  }

  get length() {
    return this.#chips.length;
  }

  /** Adds tokens; plans may be missing until they are known. */
  append(tokens, pieces, plans, isPrompt = false) {
    const added = document.createDocumentFragment();
    tokens.forEach((token, i) => {
      const chip = pieceOf(pieces[i]);
      chip.isPrompt = isPrompt;
      this.tokens.push(token);
      this.pieces.push(pieces[i]);
      this.plans.push(plans[i] ?? null);
      this.#chips.push(chip);
      this.#paint(this.#chips.length - 1);
      added.append(chip);
    });
    this.element.append(added);
  }

  /** Sets the plans of all positions. */
  setPlans(plans) {
    plans.forEach((plan, position) => {
      if (this.plans[position] !== plan && position < this.#chips.length) {
        this.plans[position] = plan;
        this.#paint(position);
      }
    });
  }

  /** Paints all tokens again, after the look has changed. */
  repaint() {
    this.#chips.forEach((_, position) => this.#paint(position));
  }

  choose(position) {
    this.#cursor.mark(position);
  }

  /** Marks the positions that a predicate holds for with a class. */
  mark(name, predicate) {
    this.#chips.forEach((chip, position) => chip.classList.toggle(name, predicate(position)));
  }

  /** The position of the token that an event went to, or −1. */
  positionOf(event) {
    return this.#chips.indexOf(event.target.closest('[role=option]'));
  }

  boxOf(position) {
    return this.#chips[position].getBoundingClientRect();
  }

  #paint(position) {
    const chip = this.#chips[position];
    const plan = this.plans[position];
    const kept = ['changed', 'edited', 'same'].filter((name) => chip.classList.contains(name));
    chip.className =
      'chip' +
      (chip.isPrompt ? ' prompt' : '') +
      (this.pieces[position] === '' ? ' no-text' : '') +
      coloursOf(plan, this.#bits, this.#look.colouring) +
      kept.map((name) => ` ${name}`).join('');
    if (this.#look.showBits && plan !== null) {
      chip.style.setProperty('--cells', cellsImage(sharesOf(plan, this.#bits)));
    }
  }
}

// The samples of a run as they are written, alone or beside those of the run before.
import * as details from './details.js';
import {TokenText} from './token-text.js';

const REASONS = {
  length: 'as long as asked for',
  stop: 'ended by itself',
  stop_string: 'ended before a stop text',
  stopped: 'stopped',
};

/** Two texts of at most so many letters stand one above the other, so that positions meet. */
const SHORT = 100;

/** One run: what was asked for, and its texts. */
export class Run {
  texts = [];
  reasons = [];
  prompt = {tokens: [], pieces: []};
  isComplete = false;

  constructor(request) {
    this.request = request;
  }

  get promptLength() {
    return this.prompt.tokens.length;
  }

  /** The new tokens of all samples. */
  get tokenCount() {
    return this.texts.reduce((sum, text) => sum + text.length - this.promptLength, 0);
  }
}

export class Samples {
  #root;
  #bits;
  #look;
  #actions;
  #run;
  #before;
  #waiting = [];
  #frame = 0;

  /**
   * @param look {colouring, showBits}
   * @param actions {choose(run, sample, position), infer(text), progress(run)}
   */
  constructor(root, bits, look, actions) {
    this.#root = root;
    this.#bits = bits;
    this.#look = look;
    this.#actions = actions;
  }

  /**
   * Begins a run.
   *
   * @param before {run, sample}: the texts of this run stay beside the new ones, or only that of
   *     the sample, if one is named; undefined for none
   */
  begin(request, prompt, before) {
    this.#drop();
    this.#run = new Run(request);
    this.#run.prompt = prompt;
    this.#before = before;
    const cards = Array.from({length: request.n}, (_, sample) => this.#card(sample));
    this.#root.replaceChildren(...cards);
    cards[before?.sample]?.scrollIntoView({block: 'nearest'});
    return this.#run;
  }

  /** Takes a token of the stream; all that came since the last frame are drawn together. */
  add(token) {
    this.#waiting.push(token);
    this.#frame ||= setTimeout(() => this.flush(), 30);
  }

  flush() {
    clearTimeout(this.#frame);
    this.#frame = 0;
    if (this.#waiting.length === 0) {
      return;
    }
    for (const [sample, tokens] of Map.groupBy(this.#waiting, (token) => token.sample)) {
      this.#run.texts[sample].append(
        tokens.map((token) => token.token),
        tokens.map((token) => token.piece),
        tokens.map((token) => token.plan),
      );
    }
    this.#waiting = [];
    this.#actions.progress(this.#run);
  }

  /** Ends a run with the whole answer, or as far as it came. */
  finish(answer) {
    this.flush();
    const run = this.#run;
    run.isComplete = answer !== undefined;
    run.texts.forEach((text, sample) => {
      const written = answer?.samples[sample];
      text.setPlans(written?.plan ?? []);
      run.reasons[sample] = written?.finish_reason ?? 'stopped';
      this.#compare(sample);
      this.#describe(sample);
    });
  }

  /** The texts that are on the page. */
  get texts() {
    const now = this.#run?.texts ?? [];
    return [...now, ...now.map((_, sample) => this.#old(sample)).filter(Boolean)];
  }

  endComparison() {
    this.#before = undefined;
    this.#root.querySelectorAll('.before').forEach((half) => half.remove());
    this.#run.texts.forEach((text, sample) => {
      text.mark('changed', () => false);
      text.mark('edited', () => false);
      this.#describe(sample);
    });
  }

  /** The text that a sample is compared with, if any. */
  #old(sample) {
    const {run, sample: only = sample} = this.#before ?? {};
    return only === sample ? run?.texts[sample] : undefined;
  }

  #drop() {
    clearTimeout(this.#frame);
    this.#frame = 0;
    this.#waiting = [];
  }

  #card(sample) {
    const {request, prompt} = this.#run;
    const text = this.#text(this.#run, sample, `Tokens of sample ${sample + 1}`);
    text.append(prompt.tokens, prompt.pieces, [], true);
    this.#run.texts.push(text);

    const card = document.createElement('article');
    card.className = 'sample';
    card.setAttribute('aria-label', `Sample ${sample + 1}`);
    const heading = document.createElement('header');
    const name = document.createElement('h3');
    name.textContent = request.n === 1 ? 'Sample' : `Sample ${sample + 1}`;
    const state = document.createElement('span');
    state.className = 'state quiet';
    heading.append(name, state);
    if (this.#bits > 0) {
      heading.append(button('Infer its plans', () => this.#actions.infer(text.pieces.join(''))));
    }
    const halves = document.createElement('div');
    halves.className = 'halves';
    const old = this.#old(sample);
    if (old) {
      halves.classList.toggle('long', old.pieces.join('').length > SHORT);
      halves.append(half('Before', old, 'before'), half('Now', text, 'now'));
    } else {
      halves.append(text.element);
    }
    card.append(heading, halves);
    return card;
  }

  #text(run, sample, label) {
    const choose = (position) => this.#actions.choose(run, sample, position);
    const text = new TokenText(label, this.#bits, this.#look, choose);
    details.follow(text, this.#bits);
    return text;
  }

  /** Marks the new tokens that are not the old ones. */
  #compare(sample) {
    const old = this.#old(sample);
    const text = this.#run.texts[sample];
    if (!old) {
      return;
    }
    const differs = (position) => old.tokens[position] !== text.tokens[position];
    old.mark('changed', differs);
    text.mark('changed', differs);
    const otherPlan = text.plans.map((plan, position) => plan !== old.plans[position]);
    const count = otherPlan.filter(Boolean).length;
    // Where many plans are others, marks would say nothing.
    text.mark('edited', (position) => otherPlan[position] && count <= text.length / 4);
  }

  #describe(sample) {
    const {texts, reasons, promptLength} = this.#run;
    const words = [
      `${texts[sample].length - promptLength} tokens`,
      REASONS[reasons[sample]] ?? reasons[sample],
    ];
    const old = this.#old(sample);
    if (old) {
      words.push(changes(old.tokens, texts[sample].tokens));
    }
    this.#root.children[sample].querySelector('.state').textContent = words.join(' · ');
  }
}

/** How many tokens are others, in words. */
function changes(before, now) {
  const length = Math.max(before.length, now.length);
  const changed = Array.from({length}, (_, i) => i).filter((i) => before[i] !== now[i]);
  if (changed.length === 0) {
    return 'the same text';
  }
  const tokens = changed.length === 1 ? '1 token' : `${changed.length} tokens`;
  return `${tokens} changed, from position ${changed[0]} on`;
}

function half(caption, text, name) {
  const element = document.createElement('figure');
  element.className = name;
  const words = document.createElement('figcaption');
  words.className = 'quiet';
  words.textContent = caption;
  element.append(words, text.element);
  return element;
}

function button(words, action) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = 'small';
  element.textContent = words;
  element.addEventListener('click', action);
  return element;
}

// The page: asks what the model is, and lets its parts know of each other.
import * as details from './details.js';
import {Inference} from './inference.js';
import * as link from './link.js';
import {lookForServer, say, watch} from './presence.js';
import {Samples} from './samples.js';
import * as server from './server.js';
import {Steering} from './steering.js';
import * as tabs from './tabs.js';
import {WritingForm} from './writing-form.js';

const NO_PLAN =
  'This model is a baseline: it has no plan, so there is nothing to colour by plan, ' +
  'to steer or to infer.';

const part = (id) => document.getElementById(id);
const status = part('status');
const look = {colouring: 'plan', showBits: false};

let model;
let form;
let samples;
let steering;
let inference;
let run; // the run on the page, if any
let writing; // the AbortController of the run that is being written, if any

async function start() {
  try {
    model = await server.model();
  } catch (failure) {
    report(failure, start);
    return;
  }
  describeModel();
  form = new WritingForm(model);
  samples = new Samples(part('samples'), model.plan_bits, look, {choose, infer, progress});
  steering = new Steering(model.plan_bits, () => samples.texts, {writeAgain, otherFrom});
  inference = new Inference(model.plan_bits, {
    begin: (text) => link.write({view: 'infer', text}),
    gone: report,
    writeOn,
  });
  listen();
  listenToPlans();
  watch();
  followLink();
}

function describeModel() {
  const count = new Intl.NumberFormat('en');
  const words = [model.name];
  if (model.step !== null && model.step !== undefined) {
    words.push(`step ${count.format(model.step)}`);
  }
  words.push(`${count.format(model.parameters)} parameters`);
  words.push(hasPlan() ? `${model.plan_bits} plan bits` : 'baseline, no plan');
  words.push(`${model.max_seq_len} positions`, model.tokenizer, model.device);
  part('model').textContent = words.join(' · ');
  document.title = `${model.name} · Plan explorer`;
  document.documentElement.style.setProperty('--bits', model.plan_bits);
  if (!hasPlan()) {
    look.colouring = 'none';
    document.querySelectorAll('[data-plans]').forEach((element) => {
      element.hidden = true;
    });
    document.querySelectorAll('.no-plan').forEach((element) => {
      element.textContent = NO_PLAN;
      element.hidden = false;
    });
  }
  const bits = Array.from({length: model.plan_bits}, (_, bit) => new Option(`bit ${bit}`, bit));
  part('colouring').replaceChildren(
    new Option('plan', 'plan'),
    ...bits,
    new Option('nothing', 'none'),
  );
}

const hasPlan = () => model.plan_bits > 0;

/**
 * Writes what the form asks for.
 *
 * @param before {run, sample, position}: the run whose texts, or whose text of one sample, stays
 *     beside the new ones, and the position that is chosen again at the end
 */
async function write(before) {
  writing?.abort();
  form.clearProblems();
  let request;
  try {
    request = form.request();
  } catch (refusal) {
    report(refusal);
    return;
  }
  const mine = new AbortController();
  writing = mine;
  busy(true);
  link.write(form.fields());
  status.textContent = 'Waiting for the first token…';
  try {
    for await (const {event, data} of server.generate(request, mine.signal)) {
      if (writing !== mine) {
        return;
      }
      if (event === 'prompt') {
        begin(request, data, before);
      } else if (event === 'token') {
        samples.add(data);
      } else if (event === 'done') {
        samples.finish(data);
        const tokens = plural(run.tokenCount, 'token');
        status.textContent = `${plural(request.n, 'sample')} written, ${tokens}.`;
        chooseAgain(before);
      }
    }
  } catch (failure) {
    if (writing === mine) {
      broken(failure, request);
    }
  } finally {
    if (writing === mine) {
      writing = undefined;
      busy(false);
    }
  }
}

function begin(request, prompt, before) {
  steering.close();
  const comparable =
    before?.run.isComplete && String(before.run.prompt.tokens) === String(prompt.tokens);
  run = samples.begin(request, prompt, comparable ? before : undefined);
  part('tools').hidden = !hasPlan();
  part('comparison').hidden = !comparable;
  const others =
    before?.sample === undefined || request.n === 1
      ? ''
      : ' The other samples have the same plans now.';
  part('comparison-text').textContent =
    `A bar marks the tokens that changed, a dot a changed plan.${others}`;
  if (window.matchMedia('(max-width: 52rem)').matches) {
    status.scrollIntoView();
  }
}

/** Whoever steers goes on from where they were. */
function chooseAgain(before) {
  const text = run.texts[before?.sample];
  if (text && before.position < text.length) {
    choose(run, before.sample, before.position);
    text.element.focus({preventScroll: true});
  }
}

function broken(failure, request) {
  const hasBegun = run?.request === request;
  if (hasBegun) {
    samples.finish();
  }
  status.textContent = hasBegun ? `Stopped after ${plural(run.tokenCount, 'token')}.` : '';
  if (failure.name !== 'AbortError') {
    report(failure);
  }
}

function progress(current) {
  // Screen readers are told of whole steps, not of every token.
  const all = current.request.n * current.request.max_tokens;
  const tenth = Math.floor((10 * current.tokenCount) / all);
  status.textContent = `Writing: ${tenth * 10} % of at most ${plural(all, 'token')}.`;
}

function busy(isBusy) {
  part('generate').disabled = isBusy;
  part('stop-writing').disabled = !isBusy;
  part('samples').setAttribute('aria-busy', String(isBusy));
}

/** Says what went wrong; a server that is gone is looked for until it is back. */
function report(failure, whenBack) {
  if (failure instanceof server.Unreachable) {
    lookForServer(whenBack);
  } else if (failure instanceof server.Refusal && form) {
    form.show(failure);
  } else {
    say(failure.message);
    if (!(failure instanceof server.Refusal)) {
      throw failure; // A fault of the page belongs in the console, too.
    }
  }
}

function choose(of, sample, position) {
  steering.choose(of, sample, position, of.texts[sample]);
}

function infer(text) {
  tabs.show('infer');
  inference.infer(text);
}

function writeAgain(plans, words, before) {
  form.hold(plans, words);
  write(before);
}

function otherFrom(plans, words, before) {
  form.hold(plans, words);
  form.set('plan.seed', form.planSeed + 1);
  write(before);
}

function writeOn(text, plans) {
  tabs.show('write');
  form.set('prompt', text);
  form.hold(plans, 'inferred by the encoder');
  write();
}

function followLink() {
  const {fields, run: atOnce} = link.read();
  const {view = 'write', text = '', ...others} = fields;
  if (view === 'infer') {
    tabs.show('infer');
    inference.fill(text);
    if (atOnce && hasPlan()) {
      inference.infer(text);
    }
    return;
  }
  tabs.show('write');
  if (form.fill(others) && atOnce) {
    write();
  }
}

function listen() {
  part('writing').addEventListener('submit', (event) => {
    event.preventDefault();
    write();
  });
  part('stop-writing').addEventListener('click', () => writing?.abort());
  part('link').addEventListener('click', copyLink);
  part('end-comparison').addEventListener('click', () => {
    steering.close();
    samples.endComparison();
    part('comparison').hidden = true;
  });
  document.addEventListener('keydown', key);
  window.addEventListener('hashchange', followLink);
}

function listenToPlans() {
  part('other-tokens').addEventListener('click', () => {
    form.set('plan.seed', form.planSeed);
    form.set('seed', form.seed + 1);
    write({run});
  });
  part('other-plans').addEventListener('click', () => {
    form.release();
    form.set('plan.seed', form.planSeed + 1);
    write({run});
  });
  part('one-plan').addEventListener('click', () => {
    form.set('plan.shared', '1');
    write({run});
  });
  // One text at a time: thousands of tokens would make the page wait.
  const repaint = () => samples.texts.forEach((text) => setTimeout(() => text.repaint()));
  part('colouring').addEventListener('change', (event) => {
    look.colouring = event.target.value;
    repaint();
  });
  part('show-bits').addEventListener('change', (event) => {
    look.showBits = event.target.checked;
    part('samples').classList.toggle('with-bits', look.showBits);
    repaint();
  });
}

function key(event) {
  if (event.key === 'Escape') {
    details.hide();
    writing?.abort();
  } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && tabs.isShown('write')) {
    event.preventDefault();
    write();
  } else if (event.key === 'Enter' && event.target.classList?.contains('text')) {
    steering.enter();
  }
}

async function copyLink() {
  link.write(form.fields());
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = 'The link is in the clipboard.';
  } catch {
    // The clipboard is offered to secure origins only.
    status.textContent = 'The link is in the address bar.';
  }
}

const plural = (number, noun) =>
  `${new Intl.NumberFormat('en').format(number)} ${noun}${number === 1 ? '' : 's'}`;

start();

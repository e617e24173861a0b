// All script of the archive. Every page works without it.
"use strict";

// Scripts without spaces, as listserv/core/tokens.py has them.
const RUN = /^[\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{16fe0}-\u{18cff}\u{1b000}-\u{1b16f}\u{20000}-\u{3ffff}]+$/u;

localTimes();
liveSearch();

// The list's time becomes the reader's own, in the same shape; where a clock stands on it, it says both.
function localTimes() {
  const place = document.querySelector("[data-zone]");
  if (!place || Intl.DateTimeFormat().resolvedOptions().timeZone === place.dataset.zone) return;
  const shape = { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", shape);
  for (const time of place.querySelectorAll("time[datetime]")) {
    const part = Object.fromEntries(clock.formatToParts(new Date(time.dateTime)).map((one) => [one.type, one.value]));
    time.title = `${time.textContent} (${place.dataset.zone})`;
    time.textContent = `${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}`;
  }
}

// Finds while one types, in indexes that lie beside the pages (archive_site/bundler.py): the current one first,
// older ones when they are asked for. Its words stand in the page, in attributes of the section it fills.
function liveSearch() {
  const place = document.querySelector("[data-tiers]");
  if (!place || place.dataset.on) return;
  place.dataset.on = "yes";
  const field = document.querySelector('form[role="search"] input[name="q"]');
  const [status, list, more] = ["status", "list", "more"].map((name) => place.querySelector(`[data-${name}]`));
  const mould = place.querySelector("template").content.firstElementChild;
  const answer = document.querySelector("[data-answer]");
  const alone = place.hasAttribute("data-alone");
  const source = new URL(place.dataset.tiers, location.href);
  const SHOWN = 8, LEAST = 2;
  let engine, older = [], asked = 0, timer;

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => run(), 250); });
  const button = more.querySelector("button");
  button.addEventListener("click", goOn);
  if (alone) {
    document.querySelector("[data-scriptless]").remove();
    field.form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
    field.value = new URLSearchParams(location.search).get("q") || "";
    if (field.value) run();
  }

  // The current indexes: the first one brings the engine that reads all of them.
  async function open() {
    const told = await (await fetch(source)).json();
    const at = (tier) => new URL(`${tier.at}/`, source).pathname;
    const [first, ...others] = told.tiers.filter((tier) => tier.current);
    if (!first) return null;
    const { createInstance } = await import(`${at(first)}pagefind.js`);
    const made = createInstance({ basePath: at(first), baseUrl: "/", noWorker: true, metaCacheTag: first.at });
    await made.init();
    const take = (tier) => made.mergeIndex(at(tier), { metaCacheTag: tier.at });
    for (const tier of others) await take(tier);
    older = told.tiers.filter((tier) => !tier.current).map((tier) => ({ posts: tier.posts, take: () => take(tier) }));
    return made;
  }

  async function run(again = false) {
    const wish = read(field.value), mine = ++asked;
    if (!wish || (wish.words.length < LEAST && !RUN.test(wish.words) && !wish.signs)) return show(false);
    say("looking");
    try {
      const engine_ = await (engine ||= open());
      if (!engine_) return show(false);
      const filters = await narrowed(engine_, wish);
      const found = filters ? await engine_.search(paired(wish.words) || null, { filters }) : { results: [] };
      const told = (some) => { if (mine === asked) tell(some); };
      told(await fitting(found.results, wish, told));
    } catch (error) {
      engine = undefined;  // what was there a while ago may have been built anew since
      if (mine === asked) again ? say("broken") : await run(true);
    }
  }

  async function goOn() {
    const next = older.shift();
    say("looking");
    if (next) await next.take().catch(() => say("broken"));
    await run();
  }

  // What is asked: words, and what the form's signs say; null where the server had better answer.
  function read(text) {
    const sign = /"([^"]*)"|(?:^|\s)(?:-(\S+)|(from|subject|after|before|has):(\S+))/gi;
    const wish = { phrases: [], without: [], signs: 0 };
    const rest = text.replace(sign, (_, phrase, without, name, value) => {
      wish.signs += 1;
      if (without) wish.without.push(...stems(without));
      else if (name && name !== "subject") wish[name] = value.toLowerCase();
      else wish.phrases.push(phrase ?? value);
      return name || without ? " " : ` ${phrase} `;
    });
    if (wish.signs && !alone) return null;
    wish.words = rest.replace(/["\s]+/g, " ").trim();
    for (const said of wish.phrases) if (!wish.words.includes(said)) wish.words = `${wish.words} ${said}`.trim();
    return wish;
  }

  // Which authors and years the engine is to keep to; null where nobody is called so.
  async function narrowed(engine_, { from, after, before, has }) {
    const told = {};
    if (has) told.attachment = "yes";
    const known = from || after || before ? await engine_.filters() : {};
    const keep = (name, fits_) => {
      told[name] = { any: Object.keys(known[name] || {}).filter(fits_) };
      return told[name].any.length;
    };
    if (from && !keep("author", (one) => fold(one).includes(fold(from)))) return null;
    if ((after || before) && !keep("year", (one) => (!after || one >= after.slice(0, 4)) && (!before || one <= before.slice(0, 4)))) return null;
    return told;
  }

  // What a post must say besides its words.
  function obeys({ phrases, without, after, before }, said, { date }) {
    const folded = said.map(fold), whole = ` ${folded.join(" ")} `;
    return (!after || date >= after) && (!before || date < before) &&
      !without.some((one) => folded.some((word) => fits(word, one))) &&
      phrases.every((one) => whole.includes(` ${paired(one).split(" ").map(fold).join(" ")} `));
  }

  // The first ones that have all the words: the engine would rather find some shorter word than nothing.
  async function fitting(results, wish, meanwhile) {
    const sought = stems(wish.words), kept = [];
    for (let at = 0; at < Math.min(results.length, 3 * SHOWN) && kept.length < SHOWN; at += SHOWN) {
      const some = await Promise.all(results.slice(at, at + SHOWN).map((one) => one.data()));
      for (const data of some) {
        const said = data.content.split(" ");
        const hits = said.map((word) => sought.findIndex((one) => fits(fold(word), one)));
        const all = sought.every((_, which) => hits.includes(which)) && obeys(wish, said, data.meta);
        if (all && kept.length < SHOWN) kept.push({ data, said, hits });
      }
      if (kept.length && kept.length < SHOWN) meanwhile(kept);
      if (!kept.length && !wish.signs) break;  // the best ones have not: nor will the others
    }
    return kept;
  }

  function tell(found) {
    list.replaceChildren(...found.map(drawn));
    say(found.length ? "found" : "none");
    more.hidden = !older.length;
    if (older.length) button.textContent = place.dataset.older.replace("{n}", older[0].posts);
  }

  function drawn({ data, said, hits }) {
    const own = mould.cloneNode(true), link = own.querySelector("a");
    link.href = data.raw_url || data.url;
    if (data.meta.title) link.textContent = data.meta.title;
    own.querySelector("[data-words]").append(...extract(said, hits));
    if (data.meta.author) own.querySelector("[data-author]").textContent = data.meta.author;
    const names = (data.meta.author || "·").match(/[\p{L}\p{N}]+/gu) || ["·"], face = own.querySelector(".face");
    face.textContent = [names[0], ...names.slice(1).slice(-1)].map((name) => [...name][0]).join("").toUpperCase();
    const shape = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }, time = own.querySelector("time");
    const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", shape);
    const part = Object.fromEntries(clock.formatToParts(new Date(data.meta.date)).map((one) => [one.type, one.value]));
    time.dateTime = data.meta.date;
    time.textContent = `${part.day} ${part.month} ${part.year}`;
    return own;
  }

  // Some words around those that are looked for, with these marked; pairs of letters are letters again.
  function extract(said, hits) {
    const LONG = 36, head = said.indexOf("·", said.indexOf("·") + 1) + 1;
    let first = hits.findIndex((hit, at) => at >= head && hit >= 0);
    const begin = Math.max(head, Math.min(first < 0 ? head : first - 8, said.length - LONG));
    const end = Math.min(said.length, begin + LONG), nodes = [];
    if (begin > head) nodes.push("… ");
    let chained = false, run = "", on = false;
    const put = () => { if (run) nodes.push(on ? marked(run) : run); run = ""; };
    for (let at = begin; at < end; at++) {
      const word = said[at], next = said[at + 1] || "";
      const pair = [...word].length === 2 && RUN.test(word);
      const goesOn = pair && at + 1 < end && next.startsWith([...word][1]) && RUN.test(next);
      const hit = hits[at] >= 0 || (chained && hits[at - 1] >= 0);
      if (hit !== on) put();
      on = hit;
      run += goesOn ? [...word][0] : word;
      if (!goesOn) { put(); nodes.push(" "); }
      chained = goesOn;
    }
    put();
    if (end < said.length) nodes.push("…");
    return nodes;
  }

  function marked(text) {
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  }

  function say(what) {
    show(true);
    status.textContent = place.dataset[what];
    if (what !== "found") list.replaceChildren();
    if (what === "looking" || what === "broken") more.hidden = true;
  }

  function show(on) {
    place.hidden = !on;
    if (answer) answer.hidden = on;
  }
}

// A run of such letters is found by its pairs.
function paired(text) {
  const runs = new RegExp(RUN.source.slice(1, -1), "gu");
  return text.replace(runs, (run) => {
    const letters = [...run];
    return letters.length < 2 ? run : ` ${letters.slice(1).map((letter, at) => letters[at] + letter).join(" ")} `;
  }).replace(/\s+/g, " ").trim();
}

function fold(word) {
  return word.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/ß/g, "ss").replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}

function stems(words) {
  return paired(words).split(" ").map(stem).filter(Boolean);
}

// What is left of a word without what may be an ending, and how it was.
function stem(word) {
  const whole = fold(word);
  return whole && { whole, begin: whole.length > 5 ? whole.slice(0, -2) : whole };
}

function fits(word, { whole, begin }) {
  return word.startsWith(begin) || (word.length >= Math.max(3, whole.length - 4) && whole.startsWith(word)) ||
    word.split(/[^\p{L}\p{N}]+/u).some((part) => part !== word && part.startsWith(begin));
}

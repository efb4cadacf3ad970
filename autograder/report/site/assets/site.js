// All that pages do beyond being read. Without it they are complete, apart from search.
"use strict";
{ // names of their own: an activity's script has others
const root = document.documentElement;
const here = document.currentScript.src;
const remembered = (key, value) => {
  try { return value === undefined ? localStorage.getItem(key) : localStorage.setItem(key, value); }
  catch { return null; }
};
root.classList.add("scripted");

// Ask the server that serves this page: `await touchstone.call("review/next", {…})`.
// What it refuses is thrown as an Error that says why, in the page's language.
window.touchstone ??= {};
window.touchstone.call = async (name, given = {}) => {
  const zh = document.body.dataset.language === "zh";
  let told;
  try {
    const answer = await fetch(new URL(`../api/${name}`, here), { method: "POST", body: JSON.stringify(given) });
    told = await answer.json();
    if (answer.ok) return told;
  } catch {
    throw new Error(zh ? "服务器没有回应，请重新运行 touchstone open。" : "The server does not answer. Run touchstone open again.");
  }
  throw new Error(told.error[zh ? "zh" : "en"]);
};

const theme = remembered("touchstone-theme");
if (theme) root.dataset.theme = theme;

addEventListener("DOMContentLoaded", () => {
  const body = document.body;
  if ("entrance" in body.dataset) {
    const wanted = remembered("touchstone-language") ?? navigator.language;
    location.replace(`${wanted.startsWith("zh") ? "zh" : "en"}/index.html`);
    return;
  }
  remembered("touchstone-language", body.dataset.language);
  const make = (name, parts = {}, ...inner) => {
    const made = Object.assign(document.createElement(name), parts);
    made.append(...inner);
    return made;
  };

  // Light and dark
  document.querySelector(".theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remembered("touchstone-theme", root.dataset.theme);
  });

  // The part that is being read: the contents show it, the other language opens there
  const parts = [...document.querySelectorAll(":is(h2, h3, details, li)[id]")];
  const current = () => parts.findLast((part) => part.checkVisibility() && part.getBoundingClientRect().top < 140)?.id;
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  let last;
  addEventListener("scroll", () => {
    const link = links.get(parts.findLast((part) => links.has(part.id) && part.getBoundingClientRect().top < 140)?.id);
    if (link === last) return;
    last?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
    link?.scrollIntoView({ block: "nearest" });
    last = link;
  }, { passive: true });
  const other = document.querySelector(".language");
  other.addEventListener("click", () => { other.hash = current() ?? ""; });
  const contents = document.querySelector(".contents details");
  if (contents && matchMedia("(max-width: 64rem)").matches) contents.open = false;

  // What is folded opens where an address points into it, and on paper
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (!folded) return;
    folded.open = true;
    folded.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  for (const list of document.querySelectorAll("ul:has(> li > .erratum)")) {
    const all = [...list.querySelectorAll(".erratum")];
    const button = make("button", { type: "button", className: "fold-all", textContent: body.dataset.open });
    button.addEventListener("click", () => {
      const open = all.some((one) => !one.open);
      for (const one of all) one.open = open;
      button.textContent = open ? body.dataset.fold : body.dataset.open;
    });
    list.before(button);
  }

  for (const block of document.querySelectorAll(".code")) {
    const button = make("button", { type: "button", textContent: body.dataset.copy });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = body.dataset.copied;
      setTimeout(() => { button.textContent = body.dataset.copy; }, 1500);
    });
    block.append(button);
  }

  // Search: every part of every lesson is looked through; a word of Chinese may stand in pieces
  const dialog = document.querySelector("dialog.search");
  const field = dialog.querySelector("input");
  const list = dialog.querySelector("ol");
  const said = dialog.querySelector(".said");
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const load = (language) => window.touchstone?.[language] ?? new Promise((done, failed) => {
    const script = make("script", { src: new URL(`search.${language}.js`, here).href, onerror: failed });
    script.onload = () => done(window.touchstone[language]);
    document.head.append(script);
  });
  const split = (term) => /^\p{Script=Han}{3,}$/u.test(term)
    ? [...term].slice(1).map((letter, place) => term[place] + letter) : [term];
  const find = (entries, query) => {
    const terms = plain(query).match(/\p{Script=Han}+|[^\s\p{Script=Han}]+/gu) ?? [];
    const rank = (entry) => {
      const [title, text] = [plain(entry[3]), plain(entry[4])];
      let score = { section: 0, task: 2, erratum: 2, question: 3 }[entry[0]];
      for (const term of terms) {
        const has = (where) => where.includes(term) || split(term).every((part) => where.includes(part));
        if (has(title)) score += 20 + (title.includes(term) ? 10 : 0);
        else if (has(text)) score += 1 + Math.min(5, text.split(term).length);
        else return 0;
      }
      return score + 1;
    };
    if (!terms.length) return { terms, found: [] };
    const found = entries.map((entry) => [rank(entry), entry]).filter(([score]) => score);
    return { terms, found: found.sort((a, b) => b[0] - a[0]).map(([, entry]) => entry) };
  };
  const marked = (text, terms) => {
    const pattern = terms.flatMap((term) => [term, ...split(term)]).map((term) => term.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    return text.split(new RegExp(`(${pattern.join("|")})`, "giu"))
      .map((piece, place) => place % 2 ? make("mark", { textContent: piece }) : piece);
  };
  const piece = (text, terms) => {
    const low = text.toLowerCase();
    const places = [...terms, ...terms.flatMap(split)].map((term) => low.indexOf(term));
    const start = Math.max(0, (places.find((place) => place >= 0) ?? 0) - 30);
    return (start ? "…" : "") + text.slice(start, start + 160);
  };
  const show = ({ terms, found }, language) => {
    list.replaceChildren(...found.slice(0, 40).map(([kind, address, lesson, title, text]) => make("li", {},
      make("a", { href: new URL(`../${language}/${address}`, here).href, lang: language === "zh" ? "zh-CN" : "en" },
        make("span", { className: "kind quiet", textContent: dialog.dataset[kind] }),
        make("span", {}, ...marked(title, terms)),
        make("span", { className: "piece quiet" }, lesson ? `${lesson} · ` : "", ...marked(piece(text, terms), terms))))));
  };
  const search = async () => {
    const query = field.value;
    const language = body.dataset.language;
    try {
      let result = find(await load(language), query);
      const elsewhere = language === "zh" ? "en" : "zh";
      if (result.found.length || !result.terms.length) {
        if (query !== field.value) return;
        show(result, language);
        said.textContent = result.terms.length ? dialog.dataset.count.replace("%", result.found.length) : "";
        return;
      }
      result = find(await load(elsewhere), query);
      if (query !== field.value) return;
      show(result, elsewhere);
      said.textContent = result.found.length ? dialog.dataset.elsewhere : dialog.dataset.none;
    } catch { said.textContent = dialog.dataset.failed; }
  };
  const open = () => { dialog.showModal(); field.select(); search(); };
  document.querySelector(".search-open").addEventListener("click", open);
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.closest("li a")) dialog.close(); });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  field.addEventListener("input", search);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault(); // else it would only empty the field
      dialog.close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [field, ...list.querySelectorAll("a")];
    all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + step))].focus();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    event.preventDefault();
    open();
  });
});
}

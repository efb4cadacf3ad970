// Asks one card after the other. Every answer is kept by the server before the next card comes.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const language = document.body.dataset.language;
  const find = (name) => document.querySelector(`.activity ${name}`);
  const [card, back, answers, show, undo] = [".card", ".back", ".answers", ".show", ".undo"].map(find);
  const ratings = [...document.querySelectorAll("[data-rating]")];
  let now = null, busy = false;

  const turn = (shown) => {
    back.hidden = !shown;
    show.hidden = shown;
    for (const button of ratings) button.hidden = !shown;
    if (shown) back.focus({ preventScroll: true });
  };
  const put = (told) => {
    now = told.card;
    find(".left").textContent = told.left;
    undo.disabled = !told.given;
    card.hidden = answers.hidden = !now;
    find(".end").hidden = Boolean(now);
    find(".end").textContent = told.end;
    if (!now) return;
    Object.assign(find(".about"), { textContent: now.about, href: now.place });
    find(".front").innerHTML = now.front;
    back.innerHTML = now.back;
    ratings.forEach((button, place) => { button.querySelector(".after").textContent = now.after[place]; });
    turn(false);
    card.focus({ preventScroll: true });
  };
  const ask = async (name, given = {}) => {
    if (busy) return;
    busy = true;
    const trouble = find(".trouble");
    try {
      put(await window.touchstone.call(`review/${name}`, { ...given, language }));
      trouble.hidden = true;
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    } finally { busy = false; }
  };
  const rate = (rating) => ask("answer", { card: now.id, rating });

  show.addEventListener("click", () => turn(true));
  undo.addEventListener("click", () => ask("undo"));
  for (const button of ratings) button.addEventListener("click", () => rate(Number(button.dataset.rating)));
  addEventListener("keydown", (event) => {
    const elsewhere = event.target.closest?.("input, textarea, select, dialog, a, button");
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "u" && !undo.disabled) return void ask("undo");
    if (!now) return;
    if (back.hidden ? [" ", "Enter"].includes(event.key) && !elsewhere : "1234".includes(event.key)) {
      event.preventDefault();
      if (back.hidden) turn(true);
      else rate(Number(event.key));
    }
  });
  ask("next");
});

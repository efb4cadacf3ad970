// Shows one step of the interview after the other: each is a form, and the server makes the next.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const language = document.body.dataset.language;
  const [stage, trouble] = [".stage", ".trouble"].map((name) => document.querySelector(`.activity ${name}`));
  let step = 0, began = 0, busy = false;

  // Voices of this machine only: others send the text elsewhere.
  const voice = () => (window.speechSynthesis?.getVoices() ?? [])
    .find((one) => one.localService && one.lang.startsWith(language));
  const aloud = (button) => {
    if (!voice()) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const spoken = new SpeechSynthesisUtterance(stage.querySelector(".model").innerText);
      Object.assign(spoken, { voice: voice(), lang: voice().lang });
      speechSynthesis.cancel();
      speechSynthesis.speak(spoken);
    });
  };
  const fill = (told) => {
    stage.innerHTML = told.html;
    stage.querySelectorAll(".aloud").forEach(aloud);
  };
  // What was typed outlives a reload and the switch of language.
  const draft = (text) => {
    if (!text) return;
    const place = `${step} ${stage.querySelector(".quiet").textContent}`;
    try {
      const [former, words] = JSON.parse(sessionStorage.getItem("touchstone-draft") ?? "[]");
      if (former === place) text.value = words;
      text.addEventListener("input", () => sessionStorage.setItem("touchstone-draft", JSON.stringify([place, text.value])));
    } catch { /* a browser that keeps nothing */ }
  };
  const put = (told) => {
    window.speechSynthesis?.cancel();
    fill(told);
    step = told.step;
    began = Date.now();
    draft(stage.querySelector("textarea"));
    (stage.querySelector("textarea") ?? stage).focus({ preventScroll: true });
    scrollTo(0, 0);
    if (told.reads) wait();
  };
  // The interviewer's marks come when it has read. Boxes that were touched meanwhile stay as they are.
  const wait = async () => {
    const asked = step;
    const told = await window.touchstone.call("interview/read", { language }).catch(() => null);
    if (step !== asked || told?.step !== asked) return;
    const own = [...stage.querySelectorAll("[data-touched]")].map((box) => [box.value, box.checked]);
    const at = document.activeElement?.value;
    fill(told);
    for (const [value, checked] of own) touch(stage.querySelector(`[name=hit][value="${value}"]`), checked);
    stage.querySelector(`[name=hit][value="${at}"]`)?.focus({ preventScroll: true });
  };
  const touch = (box, checked) => Object.assign(box, { checked }).setAttribute("data-touched", "");
  stage.addEventListener("change", ({ target }) => { if (target.name === "hit") touch(target, target.checked); });
  const ask = async (name, given = {}) => {
    if (busy) return;
    busy = true;
    try {
      put(await window.touchstone.call(`interview/${name}`, { ...given, language }));
      trouble.hidden = true;
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    } finally { busy = false; }
  };
  stage.addEventListener("submit", (event) => {
    event.preventDefault();
    const filled = new FormData(event.target, event.submitter);
    const given = Object.fromEntries(filled);
    ask("step", { ...given, hit: filled.getAll("hit").map(Number), do: event.submitter?.dataset.do ?? event.target.dataset.do, step });
  });
  setInterval(() => {
    const clock = stage.querySelector(".clock"), seconds = Math.floor((Date.now() - began) / 1000);
    if (clock) clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }, 500);
  ask("now");
});

// The page is drawn by the server. This script only swaps in what changed,
// sends what is typed, and passes clicks on.
(() => {
  "use strict";
  const here = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  let toastTimer = 0;

  function toast(text) {
    const box = byId("toast");
    box.textContent = text;
    box.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { box.hidden = true; }, 6000);
  }

  const atBottom = (el) => el.scrollHeight - el.scrollTop - el.clientHeight < 40;
  const toBottom = (el) => { if (el) { el.scrollTop = el.scrollHeight; } };

  function swap(el, html) {
    if (!el || el.lastHTML === html) { return; }
    const stick = atBottom(el);
    const top = el.scrollTop;
    el.lastHTML = html;
    el.innerHTML = html;
    if (stick) { toBottom(el); } else { el.scrollTop = top; }
  }

  let busy = false;
  let again = false;
  async function refresh() {
    // An open dialog would be torn out of the hands of its reader.
    if (busy || document.querySelector("dialog[open]")) { again = true; return; }
    busy = true;
    again = false;
    try {
      const query = new URLSearchParams({ channel: here.channel, as: here.persona, thread: here.thread });
      const answer = await fetch("/_sandbox/state?" + query);
      if (answer.ok) {
        const state = await answer.json();
        swap(byId("channels"), state.channels);
        swap(byId("messages"), state.messages);
        swap(byId("thread"), state.thread);
      }
    } catch {
      // The event stream reconnects by itself and then asks again.
    }
    busy = false;
    if (again) { refresh(); }
  }

  async function post(path, body) {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ persona: here.persona, channel: here.channel, ...body }),
      });
      const out = await answer.json();
      if (!out.ok) { toast(out.error || "The sandbox refused that."); }
      return out.ok;
    } catch {
      toast("The sandbox does not answer.");
      return false;
    }
  }

  function confirmed(dialog) {
    return new Promise((resolve) => {
      dialog.returnValue = "";
      dialog.addEventListener("close", () => {
        resolve(dialog.returnValue === "confirm");
        if (again) { refresh(); }
      }, { once: true });
      dialog.showModal();
    });
  }

  async function click(button) {
    const ask = button.nextElementSibling;
    const mustAsk = ask && ask.matches("dialog.confirm");
    const body = {
      ts: button.closest(".message").dataset.ts,
      action: button.dataset.action,
      block: button.dataset.block,
      confirmed: mustAsk,
    };
    if (mustAsk && !(await confirmed(ask))) { return; }
    if (mustAsk && button.href) { window.open(button.href, "_blank", "noopener"); }
    button.classList.add("waiting");
    await post("/_sandbox/click", body);
    button.classList.remove("waiting");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (!button) { return; }
    // A link that asks first must not open before the answer.
    if (button.nextElementSibling?.matches("dialog.confirm")) { event.preventDefault(); }
    click(button);
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches(".composer")) { return; }
    event.preventDefault();
    const line = form.elements.line.value.trim();
    if (!line) { return; }
    form.elements.line.value = "";
    await post("/_sandbox/command", { line, thread: form.dataset.thread });
    toBottom(byId(form.dataset.thread ? "thread" : "messages"));
    form.elements.line.focus();
  });

  byId("as").addEventListener("change", (event) => event.target.form.submit());
  toBottom(byId("messages"));
  toBottom(byId("thread"));
  new EventSource("/_sandbox/events").onmessage = refresh;
})();

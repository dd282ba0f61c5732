// Messages and questions: flashes made by scripts, and dialogs.
import { texts } from "./texts.js";

/** An element with classes, texts and children; text is never read as HTML. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Say something at the top of the page, as the server's own flash messages do. */
export function say(text, kind = "info") {
  const button = element("button", {
    type: "button",
    className: "btn btn-ghost btn-sm btn-square",
    textContent: "✕",
    ariaLabel: texts.close,
  });
  button.dataset.dismiss = "";
  const flash = element(
    "div",
    { className: `flash alert alert-soft alert-${kind}` },
    element("span", { className: "flex-1", textContent: text }),
    button,
  );
  flash.dataset.flash = "";
  flash.setAttribute("role", kind === "error" ? "alert" : "status");
  document.querySelector("[data-flashes]")?.append(flash);
  // In view also for those who scrolled down; gone by itself if it is only good news.
  if (kind !== "error") setTimeout(() => flash.remove(), 8000);
  return flash;
}

/**
 * Ask in a dialog; true if accepted. `body` holds elements below the title.
 * Without `cancel` it is a notice with one button.
 */
export function ask({ title, body = [], accept = texts.ok, cancel = texts.back, danger = false }) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { className: "modal", ariaLabel: title });
    const yes = element("button", {
      className: `btn ${danger ? "btn-error" : "btn-primary"}`,
      value: "yes",
      textContent: accept,
    });
    const no = cancel && element("button", { className: "btn btn-ghost", value: "", textContent: cancel });
    const form = element(
      "form",
      { method: "dialog", className: "modal-box" },
      element("h2", { textContent: title }),
      ...body,
      element("div", { className: "modal-action" }, ...(no ? [no] : []), yes),
    );
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    // What cannot be undone is not one key press away.
    (danger && no ? no : yes).focus();
  });
}

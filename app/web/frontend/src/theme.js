// Runs before anything is painted, so that a chosen theme never flashes the other one.
// Without a choice the style sheet follows the system by itself.
try {
  const choice = localStorage.getItem("dure-theme");
  if (choice === "light" || choice === "dark") {
    document.documentElement.dataset.theme = `dure-${choice}`;
  }
} catch {
  // Storage may be forbidden; the system's theme is a good answer then.
}
document.documentElement.classList.add("js");

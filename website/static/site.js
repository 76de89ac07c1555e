// The two parts beside a page have names, for those who hear them.
"use strict";
addEventListener("DOMContentLoaded", () => {
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");
});

// What scrolls by itself can be reached by the keyboard: tables, blocks and pictures that are wider than the page.
function makeScrollersFocusable() {
  for (const box of document.querySelectorAll(".table-wrapper, .highlight pre, article p:has(> img)")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}
addEventListener("load", makeScrollersFocusable);
addEventListener("resize", makeScrollersFocusable);

"use strict";
// Without this script the page is whole: pictures stand in it at reading size, tables in the order they were written.
(() => {
  const made = (tag, values = {}) => Object.assign(document.createElement(tag), values);

  // Pictures: a button around each opens it in a dialog, which the browser closes on Esc and whose focus it gives back.
  const dialog = made("dialog");
  const large = made("img"), words = made("p");
  const hint = made("p", { className: "hint soft", textContent: "The picture is wider than the screen: scroll sideways." });
  const close = made("button", { type: "button", className: "close", textContent: "Close", autofocus: true });
  dialog.append(close, large, hint, words);
  dialog.setAttribute("aria-label", "Enlarged picture");
  document.body.append(dialog);
  for (const part of [close, large]) part.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  for (const picture of document.querySelectorAll("figure img")) {
    const caption = picture.closest("figure").querySelector("figcaption");
    const button = made("button", { type: "button", className: "enlarge" });
    button.setAttribute("aria-label", "Enlarge: " + picture.alt);
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => {
      Object.assign(large, { src: picture.src, alt: picture.alt, className: picture.className || "pixels" });
      words.textContent = caption ? caption.textContent : "";
      dialog.showModal();
      dialog.scrollTo(0, 0);
    });
  }

  // Paper cannot be unfolded: what is folded is open while the page is printed.
  const folded = [];
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) folded.push(part), (part.open = true);
  });
  addEventListener("afterprint", () => { for (const part of folded.splice(0)) part.open = false; });

  // Tables: a number is what a cell begins with; infinite is the greatest; what is no number stands last in both orders.
  // An interval that is open below ("up to 85") is the least, one that is open above is what it begins with.
  const NUMBER = /^[<>~]?\s*[+\u2212-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?(?![\w.])/i;
  const read = (text) => {
    if (/^[+]?(inf|infinite|more than)\b|^\u221e/i.test(text)) return Infinity;
    if (/^(up to\b|[-\u2212](inf\b|\u221e))/i.test(text)) return -Infinity;
    const found = NUMBER.exec(text);
    return found ? Number(found[0].replace(/[<>~,\s]/g, "").replace("\u2212", "-")) : NaN;
  };
  const text = (row, column) => row.cells[column].textContent.trim();
  const empty = (cell) => cell === "" || cell === "-";
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const sort = (table, heads, column) => {
    const rows = [...table.tBodies[0].rows];
    const said = rows.map((row) => text(row, column)).filter((cell) => !empty(cell));
    const others = said.filter((cell) => Number.isNaN(read(cell)));
    const words = others.every((cell) => cell.length <= 20 && !/^\d/.test(cell));
    const numbers = others.length < said.length && (words || 2 * others.length < said.length);
    const key = (row) => (numbers ? read(text(row, column)) : text(row, column).toLowerCase());
    const last = (row) => empty(text(row, column)) || Number.isNaN(key(row));
    const ascending = heads[column].getAttribute("aria-sort") !== "ascending";
    rows.sort((a, b) => last(a) - last(b) || (last(a) ? 0 : (ascending ? 1 : -1) * order(key(a), key(b))));
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", ascending ? "ascending" : "descending");
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    if (table.tBodies[0].rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = made("button", { type: "button", title: "Sort by this column" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, heads, column));
    });
  }
})();
